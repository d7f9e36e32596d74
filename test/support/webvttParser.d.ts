/** The package has no types of its own; these are of what the tests use. */
declare module 'webvtt-parser' {
  export interface ParsedNode {
    type: 'object' | 'text';
    name?: string;
    value?: string;
    children?: ParsedNode[];
  }
  export interface ParsedCue {
    id: string;
    startTime: number;
    endTime: number;
    tree: { children: ParsedNode[] };
  }
  const parser: {
    WebVTTParser: new (
      entities: Record<string, string>,
    ) => {
      parse(
        text: string,
        kind?: string,
      ): { cues: ParsedCue[]; errors: { message: string; line: number }[]; styles: string[] };
    };
  };
  export default parser;
}
