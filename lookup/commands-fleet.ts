// The commands about Redis and the processes that run.

import type { Command } from 'commander';
import {
  opsOf,
  parseAddressList,
  parseCount,
  parseOpsList,
  parseSubject,
} from './admin/arguments.ts';
import { explain } from './admin/explain.ts';
import type { OpenSource } from './admin/source-says.ts';
import { status } from './admin/status.ts';
import { VERIFY_RATE_PER_S, verify } from './admin/verify.ts';
import { warm } from './admin/warm.ts';
import { addCommand, onSource, outputOf, type Spoken, SUBJECT } from './commands.ts';
import { readConfig } from './config.ts';

export function addFleetCommands(program: Command): void {
  addWarmCommand(program);
  addExplainCommand(program);
  addVerifyCommand(program);
  addStatusCommand(program);
}

function addWarmCommand(program: Command): void {
  addCommand(program, 'warm', 'fill Redis from the source, beside live changes')
    .option('--after <subject>', 'go on after this person, where another run ended', parseSubject)
    .option('--rate <people>', 'at most so many a second', parseCount)
    .action(({ after, rate: ratePerS, ...options }: WarmWords) =>
      onSource(
        options,
        async ({ session, output, config, signal }) => {
          const { withRequiredRedis } = await import('./redis-session.ts');
          const { fenceMs } = config;
          await withRequiredRedis(config, 'lookup warm', (nodes) =>
            warm(session, nodes, { after, ratePerS, fenceMs, signal }, output),
          );
        },
        { endsItself: true },
      ),
    );
}

interface WarmWords extends Spoken {
  readonly after?: string;
  readonly rate?: number;
}

function addExplainCommand(program: Command): void {
  addGrpcOption(
    addCommand(program, 'explain', 'what the source, Redis and each process say of a person'),
  )
    .addArgument(SUBJECT)
    .action((subject: string, options: GrpcWords) =>
      onSource(options, async ({ session, output, config }) => {
        const { withFleet } = await import('./fleet-session.ts');
        await withFleet(config, options.grpc ?? [], (fleet) =>
          explain(session, fleet, { subject }, output),
        );
      }),
    );
}

function addVerifyCommand(program: Command): void {
  addGrpcOption(
    addCommand(
      program,
      'verify',
      'compare what Redis and each process say of everybody with the source; 1 when something differs',
    ),
  )
    .option('--sample <people>', 'only so many, chosen at random', parseCount)
    .option('--rate <people>', 'at most so many a second', parseCount, VERIFY_RATE_PER_S)
    .action(({ sample, rate: ratePerS, ...options }: VerifyWords) =>
      onSource(
        options,
        async ({ session, output, config, signal }) => {
          const { withFleet } = await import('./fleet-session.ts');
          await withFleet(config, options.grpc ?? [], (fleet) =>
            verify(session, fleet, { sample, ratePerS, signal }, output),
          );
        },
        { endsItself: true },
      ),
    );
}

function addStatusCommand(program: Command): void {
  addCommand(program, 'status', 'show how the relays, Redis, the processes and the source are')
    .option(
      '--ops <address...>',
      'ops ports to ask; unless told, those of processes that are registered in Redis, or of these settings',
      parseOpsList,
    )
    .action(async (options: Spoken & { ops?: string[] }) => {
      const config = readConfig(process.env);
      const { withRedisOrTrouble } = await import('./fleet-session.ts');
      const { ops, ...spoken } = options;
      const readSource: OpenSource = (read) =>
        onSource(spoken, ({ session }) => read(session), { anySchema: true, onlyRunning: true });
      await withRedisOrTrouble(config, (nodes, trouble) =>
        status(
          { ops, ownOps: () => opsOf(config), redis: { nodes, trouble }, intervalMs: 1_000 },
          readSource,
          outputOf(options),
        ),
      );
    });
}

interface GrpcWords extends Spoken {
  readonly grpc?: readonly string[];
}

interface VerifyWords extends GrpcWords {
  readonly sample?: number;
  readonly rate: number;
}

const addGrpcOption = (command: Command) =>
  command.option(
    '--grpc <address...>',
    'gRPC ports to ask besides those of processes that are registered in Redis',
    parseAddressList,
  );
