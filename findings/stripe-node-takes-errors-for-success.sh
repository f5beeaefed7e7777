#!/bin/bash
# stripe-node takes any JSON without "error" for a success, whatever its HTTP status.
#
# Run on 2026-11-28 with stripe 23.1.0 (npm) and Node.js 20 on loopback: a server that
# answers as gateways and load balancers do, in JSON of their own. One call of
# paymentIntents.create for each:
#
#   500 {"message":"Internal Server Error"}: 3 requests, resolved; id undefined
#   403 {"message":"Forbidden"}: 1 request, resolved; id undefined
#   429 {"message":"Too Many Requests"}: 1 request, resolved; id undefined
#   402 {"error":{"type":"card_error"}}: 1 request, rejected with StripeCardError
#
# So a program that waits for an exception goes on as if the payment was made. Whether it
# was, nobody knows after the 500. The status is in lastResponse.statusCode, which nothing
# makes a program read. stripe-go 85.0.0 reports an error for the first of these.
#
# docs/catalogs.md says what other SDKs do with such an answer.
#
# Usage: findings/stripe-node-takes-errors-for-success.sh
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
import Stripe from 'stripe';

// call makes one payment with a server that gives this answer.
async function call(status, body) {
  let requests = 0;
  const server = http.createServer((request, response) => {
    requests++;
    request.resume();
    response.writeHead(status, {'Content-Type': 'application/json'}).end(body);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const stripe = new Stripe('sk_test_x', {host: '127.0.0.1', port: server.address().port, protocol: 'http'});
  const end = await stripe.paymentIntents.create({amount: 100, currency: 'eur'})
    .then((p) => `resolved; id ${p.id}`, (e) => `rejected with ${e.constructor.name}`);
  server.close();
  server.closeAllConnections();
  console.log(`${status} ${body}: ${requests} request${requests > 1 ? 's' : ''}, ${end}`);
  return `${requests} ${end}`;
}

const seen = [
  await call(500, '{"message":"Internal Server Error"}'),
  await call(403, '{"message":"Forbidden"}'),
  await call(429, '{"message":"Too Many Requests"}'),
  await call(402, '{"error":{"type":"card_error"}}'),
];
const known = ['3 resolved; id undefined', '1 resolved; id undefined', '1 resolved; id undefined', '1 rejected with StripeCardError'];
process.exit(seen.join() === known.join() ? 0 : 1);
END
npm install --silent --ignore-scripts --no-audit --no-fund --save-exact stripe@23.1.0 >log 2>&1 || { cat log; exit 2; }
node finding.mjs
