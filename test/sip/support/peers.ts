import { type ChildProcess, spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { freeUdpPort } from '../../support/free-port.ts'
import { waitFor } from '../../support/wait.ts'

/** Somebody else's program that speaks SIP on loopback, for one test. */
export interface Peer {
  readonly port: number
  /** What it has printed so far. */
  readonly output: () => string
}

const START_MS_MAX = 15_000

/** The softphone baresip, which answers every call by itself, or rings on, and hears only silence. */
export async function startSoftphone({ answers = true } = {}): Promise<Peer> {
  requireProgram('/usr/bin/baresip', 'baresip-core')
  const folder = await makeFolder()
  const port = await freeUdpPort()
  const rtp = 20_000 + 2 * Math.floor(Math.random() * 10_000)
  const config = [
    `sip_listen 127.0.0.1:${port}`,
    'audio_player aubridge,nil',
    'audio_source aubridge,nil',
    'audio_alert aubridge,nil',
    `rtp_ports ${rtp}-${rtp + 20}`,
    'module_path /usr/lib/baresip/modules',
    'module g711.so',
    'module aubridge.so',
    'module_tmp account.so',
    'module_app menu.so',
  ]
  await writeFile(join(folder, 'config'), `${config.join('\n')}\n`)
  const mode = answers ? 'auto' : 'manual'
  const account = `<sip:sales@127.0.0.1:${port}>;regint=0;answermode=${mode};audio_codecs=pcmu\n`
  await writeFile(join(folder, 'accounts'), account)
  await writeFile(join(folder, 'contacts'), '')
  const output = start('/usr/bin/baresip', ['-4', '-f', folder])
  await waitFor(() => output().includes('baresip is ready'), {
    what: `baresip to be ready; it says ${output()}`,
    deadlineMs: START_MS_MAX,
  })
  return { port, output }
}

/** The proxy kamailio, which records its route and sends every call on to one address. */
export async function startProxy(next: number): Promise<Peer> {
  requireProgram('/usr/sbin/kamailio', 'kamailio')
  const folder = await makeFolder()
  const port = await freeUdpPort()
  const file = join(folder, 'kamailio.cfg')
  await writeFile(file, proxyConfig(port, next))
  const output = start('/usr/sbin/kamailio', [
    '-f',
    file,
    '-DD',
    '-E',
    '-m',
    '16',
    '-M',
    '4',
    '-Y',
    folder,
  ])
  await waitFor(() => answersOptions(port), {
    what: `kamailio to answer; it says ${output()}`,
    deadlineMs: START_MS_MAX,
  })
  return { port, output }
}

const proxyConfig = (port: number, next: number): string => `
debug=1
children=1
fork=yes
disable_tcp=yes
auto_aliases=no
log_stderror=yes
listen=udp:127.0.0.1:${port}
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "maxfwd.so"
loadmodule "siputils.so"
loadmodule "pv.so"
loadmodule "textops.so"
request_route {
  if (!mf_process_maxfwd_header("10")) { sl_send_reply("483", "Too Many Hops"); exit; }
  if (is_method("OPTIONS") && uri == myself) { sl_send_reply("200", "OK"); exit; }
  if (is_method("CANCEL")) { if (t_check_trans()) { t_relay(); } exit; }
  if (has_totag()) {
    if (loose_route()) { t_relay(); exit; }
    if (is_method("ACK") && t_check_trans()) { t_relay(); }
    exit;
  }
  record_route();
  $du = "sip:127.0.0.1:${next}";
  t_relay();
}
`

function requireProgram(path: string, name: string): void {
  if (existsSync(path)) return
  throw new Error(`${path} is missing: install it with "apt-get install ${name}".`)
}

async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'bridgeback-peer-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** Runs the program until the test is over; gives what it prints. */
function start(program: string, args: readonly string[]): () => string {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => (output += chunk.toString()))
  }
  onTestFinished(() => stop(child))
  return () => output
}

const STOP_MS_MAX = 3_000

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX)
  await exited
  clearTimeout(timer)
}

async function answersOptions(port: number): Promise<boolean> {
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const own = `127.0.0.1:${socket.address().port}`
  const lines = [
    `OPTIONS sip:127.0.0.1:${port} SIP/2.0`,
    `Via: SIP/2.0/UDP ${own};rport;branch=z9hG4bK-${Math.random()}`,
    'Max-Forwards: 70',
    `From: <sip:test@${own}>;tag=t`,
    `To: <sip:127.0.0.1:${port}>`,
    `Call-ID: ${Math.random()}@test`,
    'CSeq: 1 OPTIONS',
    'Content-Length: 0',
  ]
  socket.send(`${lines.join('\r\n')}\r\n\r\n`, port, '127.0.0.1')
  const answered = once(socket, 'message').then(() => true)
  const pause = new Promise<boolean>((resolve) => setTimeout(resolve, 100, false))
  const isThere = await Promise.race([answered, pause])
  socket.close()
  return isThere
}
