// Node's Buffer has had these since its first versions; its typings leave them out. They skip what `toString` and
// `write` do about encodings, on the paths where that is felt.
interface Buffer {
  base64urlSlice(start: number, end: number): string;
  latin1Slice(start: number, end: number): string;
  latin1Write(text: string, offset: number, length: number): number;
}
