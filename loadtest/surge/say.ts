/** What a run tells of itself while it is under way: a line for people, not for programs. */
export type Say = (line: string) => void;
