export interface Need {
  readonly name: string;
  readonly why: string;
  /** Debian's packages that bring it. */
  readonly packages: readonly string[];
  /** Where it is; undefined when it is not here. */
  find(): string | undefined;
}

/** What the tests need of the machine besides Node. */
export declare const NEEDS: readonly Need[];

/** The folder of the newest PostgreSQL server here. */
export declare function findPostgres(): string | undefined;

/** The first Redis server on the PATH that is new enough. */
export declare function findRedis(): string | undefined;

/** A Chromium that can be run headless. */
export declare function findChromium(): string | undefined;
