/** An ovs-vswitchd's control socket that answers as a table says; list-commands follows from the table. */
import type { Asked, FakeDaemon } from './unixctl-daemon.js';

/** A text, a refusal, or what happens to the request. */
export type Scripted = string | { readonly refused: string } | ((request: Asked) => void);

/** By the command, or by the command with its arguments. */
export type Script = Readonly<Record<string, Scripted>>;

export const line = ({ method, params }: Pick<Asked, 'method' | 'params'>): string => [method, ...params].join(' ');

export function play(daemon: FakeDaemon, script: Script): void {
  const commands = [...new Set(Object.keys(script).map((key) => key.split(' ')[0] ?? ''))];
  daemon.behave = (request) => {
    if (request.method === 'list-commands') {
      daemon.answer(request, `The available commands are:\n${commands.map((name) => `  ${name}  \n`).join('')}`);
      return;
    }
    const scripted = script[line(request)] ?? script[request.method];
    if (typeof scripted === 'string') daemon.answer(request, scripted);
    else if (typeof scripted === 'function') scripted(request);
    else refuse(request, scripted?.refused ?? `"${request.method}" is not in the script`);
  };
}

function refuse({ id, socket }: Asked, words: string): void {
  socket.write(JSON.stringify({ id, result: null, error: words }));
}
