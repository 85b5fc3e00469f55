// How far the generator is behind, without those whom it never sent: they are counted by themselves, and would make
// everybody after them late for ever.

/** Looks, of one virtual user. */
const RECENT = 16;

/**
 * @returns told how many should have arrived more than did: by how many that is more than at the best of the last
 * looks, this one among them
 */
export function lateness(): (behind: number) => number {
  const recent: number[] = [];
  return (behind) => {
    recent.push(behind);
    if (recent.length > RECENT) recent.shift();
    return behind - Math.min(...recent);
  };
}
