/** `ofproto/list`, `dpctl/dump-dps`, `dpif/dump-dps`, `dpif/offload/classes`: one name a line. Tested with 3.1, the last from the source. */

export function parseNameList(text: string): readonly string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}
