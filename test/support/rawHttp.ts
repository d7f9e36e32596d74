import { connect } from 'node:net';

/** Sends bytes as they are to a port of this machine and gives everything that comes back until the end. */
export function rawExchange(port: number, request: string | Buffer, timeoutMs = 5000): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(request));
    let answer = '';
    const finish = () => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(timeoutMs, finish);
    socket.on('data', (chunk) => {
      answer += chunk;
    });
    socket.on('close', finish);
    socket.on('error', (error) => (answer === '' ? reject(error) : finish()));
  });
}
