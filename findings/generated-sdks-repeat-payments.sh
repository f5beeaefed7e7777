#!/bin/bash
# The SDKs that generators write for payments APIs send a payment three times without an
# idempotency key. Of two SDKs of one generator, one sends a key and one does not.
#
# Run on 2026-11-28 with npm packages and Node.js 20 on loopback, each with its own settings:
# a server that takes the payment and then answers 503, or closes the connection. One call
# that moves money with each SDK:
#
#   503    lithic            3 requests, no key
#   503    dodopayments      3 requests, no key
#   503    @payabli/sdk-node 3 requests, no key
#   503    modern-treasury   3 requests, one key
#   closed lithic            3 requests, no key
#   closed dodopayments      3 requests, no key
#   closed @payabli/sdk-node 1 request, no key
#   closed modern-treasury   3 requests, one key
#
# lithic 0.145.0, dodopayments 2.52.0 and modern-treasury 3.3.0 come from one generator,
# @payabli/sdk-node 0.0.114 from another. Whether a retry is safe is a setting of the
# vendor's, which the reader of the code does not see. Lithic takes a token of the caller in
# the request, and Payabli a key as a parameter: both are optional.
#
# For who wraps such an SDK: switch its retries off, or give it a key, before it goes into
# retry.DoOnce; one attempt is three requests otherwise. docs/sdks.md says so.
#
# Usage: findings/generated-sdks-repeat-payments.sh
#
# Needs Node.js 20 and npm with a registry. Takes half a minute. Exit status: 0 if it is as
# above, 1 if not, 2 if it could not be run.
set -eu -o pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"private": true}' >package.json
cat >finding.js <<'END'
const http = require('node:http');
const {PayabliClient} = require('@payabli/sdk-node');
const Dodo = require('dodopayments').default;
const Lithic = require('lithic').default;
const Treasury = require('modern-treasury').default;

const payments = {
  'lithic': (url) => new Lithic({apiKey: 'x', baseURL: url}).payments.create({
    amount: 100, external_bank_account_token: 'e', financial_account_token: 'f', method: 'ACH_NEXT_DAY',
    method_attributes: {sec_code: 'CCD'}, type: 'PAYMENT'}),
  'dodopayments': (url) => new Dodo({bearerToken: 'x', baseURL: url}).payments.create({
    billing: {country: 'US'}, customer: {customer_id: 'c'}, product_cart: [{product_id: 'p', quantity: 1}]}),
  '@payabli/sdk-node': (url) => new PayabliClient({apiKey: 'x', environment: url}).moneyIn.getpaid({body: {
    entryPoint: 'e', paymentDetails: {totalAmount: 100}, paymentMethod: {method: 'ach', achAccount: '1', achRouting: '2', achHolder: 'h'}}}),
  'modern-treasury': (url) => new Treasury({apiKey: 'x', organizationID: 'o', baseURL: url}).paymentOrders.create({
    amount: 100, direction: 'credit', originating_account_id: 'a', type: 'ach'}),
};

async function pay(answer, name) {
  const keys = [];
  const server = http.createServer((request, response) => {
    request.resume().on('end', () => {
      keys.push(request.headers['idempotency-key'] ?? '');
      if (answer === 'closed') return request.socket.destroy();
      response.writeHead(503, {'Content-Type': 'application/json'}).end('{"message":"Service Unavailable"}');
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  await payments[name](`http://127.0.0.1:${server.address().port}`).catch(() => {});
  server.close();
  server.closeAllConnections();
  const distinct = new Set(keys);
  const key = distinct.size > 1 ? 'several keys' : distinct.has('') ? 'no key' : 'one key';
  const line = `${answer.padEnd(6)} ${name.padEnd(17)} ${keys.length} request${keys.length > 1 ? 's' : ''}, ${key}`;
  console.log(line);
  return line.replace(/ +/g, ' ');
}

(async () => {
  const seen = [];
  for (const answer of ['503', 'closed']) for (const name in payments) seen.push(await pay(answer, name));
  const known = `503 lithic 3 requests, no key
503 dodopayments 3 requests, no key
503 @payabli/sdk-node 3 requests, no key
503 modern-treasury 3 requests, one key
closed lithic 3 requests, no key
closed dodopayments 3 requests, no key
closed @payabli/sdk-node 1 request, no key
closed modern-treasury 3 requests, one key`;
  process.exit(seen.join('\n') === known ? 0 : 1);
})();
END
npm install --silent --ignore-scripts --no-audit --no-fund --save-exact lithic@0.145.0 dodopayments@2.52.0 \
  @payabli/sdk-node@0.0.114 modern-treasury@3.3.0 >log 2>&1 || { cat log; exit 2; }
node finding.js
