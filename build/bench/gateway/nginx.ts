import { spawnSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort } from '../../../cloud/database/free-port.ts'
import { type Other, startOther } from './programs.ts'

/** One worker, as the others are one process; it passes each piece on as it comes. */
const configuration = ({ folder, port, upstream }: { folder: string; port: number; upstream: number }) => `
daemon off;
worker_processes 1;
pid ${folder}/nginx.pid;
error_log stderr error;
events { worker_connections 4096; }
http {
  access_log off;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  upstream models { server 127.0.0.1:${upstream}; keepalive 512; }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    keepalive_requests 1000000;
    location / {
      proxy_pass http://models;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
      proxy_read_timeout 600s;
    }
  }
}
`

/** Undefined where there is no NGINX on this machine. Its files lie in `folder`. */
export async function startNginx(folder: string, upstream: number): Promise<Other | undefined> {
  const command = ['nginx', '/usr/sbin/nginx'].find(name => spawnSync(name, ['-v']).status === 0)
  if (!command) return undefined
  const port = await freePort()
  const file = join(folder, 'nginx.conf')
  // An administrator's workers give up their rights, and then could not write into a folder of theirs.
  const user = process.getuid?.() === 0 ? 'user root;' : ''
  await writeFile(file, user + configuration({ folder, port, upstream }))
  return startOther(command, ['-p', folder, '-c', file], { port, withinMs: 5_000 })
}
