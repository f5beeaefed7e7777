#!/bin/bash
# Octokit takes a success whose body was cut short for a success without data.
#
# Run on 2026-11-28 with @octokit/rest 22.0.1 (npm), which brings @octokit/request 10, and
# Node.js 20 on loopback. A server answers POST /repos/o/r/issues:
#
#   201, whole: resolved, status 201, data {"number":1}
#   201, the connection ends half-way: resolved, status 201, data ""
#   no answer, the connection ends: rejected with RequestError, status 500
#
# The second has lost the number of the issue that it made, and says so to nobody:
# data.number is undefined. It does not matter whether the length was announced or the body
# came in chunks. The third tells of a status 500 that no server sent, so that whoever looks
# at the status takes "never answered" for "answered with an error".
#
# Usage: findings/octokit-half-an-answer-is-success.sh
#
# Needs Node.js 20 and npm with a registry. Exit status: 0 if it is as above, 1 if not, 2 if
# it could not be run.
set -eu -o pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"type": "module"}' >package.json
cat >finding.mjs <<'END'
import http from 'node:http';
import {Octokit} from '@octokit/rest';

const quiet = {debug() {}, info() {}, warn() {}, error() {}};

// call makes one issue with a server that answers so.
async function call(name, answer) {
  const server = http.createServer((request, response) => {
    request.resume().on('end', () => answer(response));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const octokit = new Octokit({auth: 'x', baseUrl: `http://127.0.0.1:${server.address().port}`, log: quiet});
  const end = await octokit.rest.issues.create({owner: 'o', repo: 'r', title: 't'})
    .then((r) => `resolved, status ${r.status}, data ${JSON.stringify(r.data)}`, (e) => `rejected with ${e.constructor.name}, status ${e.status}`);
  server.close();
  server.closeAllConnections();
  console.log(`${name}: ${end}`);
  return end;
}

const json = {'Content-Type': 'application/json'};
const half = (response) => response.write('{"number":1', () => response.destroy());
const seen = [
  await call('201, whole', (response) => response.writeHead(201, json).end('{"number":1}')),
  await call('201, cut short', (response) => half(response.writeHead(201, {...json, 'Content-Length': 100}))),
  await call('201 in chunks, cut short', (response) => half(response.writeHead(201, json))),
  await call('no answer', (response) => response.destroy()),
];
const known = [
  'resolved, status 201, data {"number":1}', 'resolved, status 201, data ""', 'resolved, status 201, data ""',
  'rejected with RequestError, status 500',
];
process.exit(seen.join() === known.join() ? 0 : 1);
END
npm install --silent --ignore-scripts --no-audit --no-fund --save-exact @octokit/rest@22.0.1 >log 2>&1 || { cat log; exit 2; }
node finding.mjs
