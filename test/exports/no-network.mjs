/** Preloaded into a child process: whatever would leave the machine, or reach a database on it, throws. */
import dgram from 'node:dgram';
import dns from 'node:dns';
import net from 'node:net';

function refuse() {
  process.stderr.write('the network was asked for\n');
  process.exit(99);
}

net.Socket.prototype.connect = refuse;
dgram.createSocket = refuse;
dns.lookup = refuse;
dns.promises.lookup = refuse;
globalThis.fetch = refuse;
