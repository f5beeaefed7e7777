// One call of each vendor's SDK for Node.js, a POST, as the vendor's own first example makes it: no retries are set, and no
// idempotency key but where the SDK asks for one.
//
// Standard input has {"sdk": "stripe", "scenes": {"name of an answer": "http://127.0.0.1:1234"}}; standard output gets what
// each call ended with that did so before the time that the first argument names, in milliseconds since 1970.
import {AsyncLocalStorage} from 'node:async_hooks';
import http from 'node:http';
import https from 'node:https';
import {createRequire, syncBuiltinESMExports} from 'node:module';

// SDKs whose hosts are fixed end up here: a request over TLS goes to the server of its scene instead, in clear.
const scene = new AsyncLocalStorage();
https.request = (to, ...rest) => {
  if (to instanceof URL) return https.request({path: to.pathname + to.search, ...rest[0]}, ...rest.slice(1));
  const {protocol, agent, agents, host, ...options} = to;
  return http.request({...options, hostname: '127.0.0.1', port: new URL(scene.getStore()).port}, ...rest);
};
syncBuiltinESMExports();
const realFetch = globalThis.fetch;
globalThis.fetch = (to, ...rest) => {
  if (typeof to !== 'string' || !to.startsWith('https://')) return realFetch(to, ...rest);
  const url = new URL(to);
  return realFetch(scene.getStore() + url.pathname + url.search, ...rest);
};

const require = createRequire(import.meta.url);
const amount = {value: '1.00', currency: 'EUR'};

const calls = {
  async stripe(url) {
    const {default: Stripe} = await import('stripe');
    const {hostname: host, port} = new URL(url);
    return new Stripe('sk_test_x', {host, port, protocol: 'http'}).paymentIntents.create({amount: 100, currency: 'eur'});
  },
  async '@adyen/api-library'() {
    const {Client, CheckoutAPI} = require('@adyen/api-library');
    return new CheckoutAPI(new Client({apiKey: 'x', environment: 'TEST'})).PaymentsApi.payments({
      amount: {value: 100, currency: 'EUR'}, merchantAccount: 'x', reference: 'x', returnUrl: 'https://example.com',
      paymentMethod: {type: 'ideal'},
    });
  },
  async '@paypal/paypal-server-sdk'() {
    const {Client, OrdersController} = await import('@paypal/paypal-server-sdk');
    const client = new Client({clientCredentialsAuthCredentials: {oAuthClientId: 'x', oAuthClientSecret: 'x'}});
    return new OrdersController(client).createOrder({
      body: {intent: 'CAPTURE', purchaseUnits: [{amount: {currencyCode: 'EUR', value: '1.00'}}]},
    });
  },
  async square(url) {
    const {SquareClient} = await import('square');
    return new SquareClient({token: 'x', baseUrl: url}).payments.create({
      sourceId: 'x', idempotencyKey: 'x', amountMoney: {amount: 100n, currency: 'EUR'},
    });
  },
  async '@mollie/api-client'() {
    const {createMollieClient} = await import('@mollie/api-client');
    return createMollieClient({apiKey: 'test_' + 'x'.repeat(30)}).payments.create({
      amount, description: 'x', redirectUrl: 'https://example.com',
    });
  },
  async 'gocardless-nodejs'() {
    const {GoCardlessClient} = await import('gocardless-nodejs');
    return new GoCardlessClient('x', 'https://api-sandbox.gocardless.com').payments.create({
      amount: '100', currency: 'EUR', links: {mandate: 'x'},
    });
  },
  async 'checkout-sdk-node'(url) {
    const {Checkout} = await import('checkout-sdk-node');
    return new Checkout('sk_sbox_x', {pk: 'pk_sbox_x', host: url}).payments.request({
      source: {type: 'token', token: 'x'}, currency: 'EUR', amount: 100,
    });
  },
  async plaid(url) {
    const {Configuration, PlaidApi} = await import('plaid');
    return new PlaidApi(new Configuration({basePath: url})).transferCreate({access_token: 'x', account_id: 'x', authorization_id: 'x', description: 'x'});
  },
  async openai(url) {
    const {default: OpenAI} = await import('openai');
    return new OpenAI({apiKey: 'x', baseURL: url}).responses.create({model: 'x', input: 'x'});
  },
  async '@anthropic-ai/sdk'(url) {
    const {default: Anthropic} = await import('@anthropic-ai/sdk');
    return new Anthropic({apiKey: 'x', baseURL: url}).messages.create({model: 'x', max_tokens: 1, messages: [{role: 'user', content: 'x'}]});
  },
  async twilio() {
    const {default: twilio} = await import('twilio');
    return twilio('AC' + '0'.repeat(32), 'x').messages.create({to: '+15005550006', from: '+15005550006', body: 'x'});
  },
  async '@slack/web-api'(url) {
    const {WebClient, LogLevel} = await import('@slack/web-api');
    return new WebClient('xoxb-x', {slackApiUrl: url + '/api/', logLevel: LogLevel.ERROR}).chat.postMessage({channel: 'x', text: 'x'});
  },
  async '@octokit/rest'(url) {
    const {Octokit} = await import('@octokit/rest');
    return issue(new Octokit({auth: 'x', baseUrl: url, log: quiet}));
  },
  async '@octokit/plugin-retry'(url) {
    const {Octokit} = await import('@octokit/rest');
    const {retry} = await import('@octokit/plugin-retry');
    return issue(new (Octokit.plugin(retry))({auth: 'x', baseUrl: url, log: quiet}));
  },
  async '@shopify/shopify-api'() {
    await import('@shopify/shopify-api/adapters/node');
    const {shopifyApi, Session, LogSeverity} = await import('@shopify/shopify-api');
    const api = shopifyApi({
      apiKey: 'x', apiSecretKey: 'x', scopes: ['x'], hostName: 'example.com', apiVersion: '2025-10', isEmbeddedApp: false,
      logger: {level: LogSeverity.Error, log() {}},
    });
    const session = new Session({id: 'x', shop: 'x.myshopify.com', state: 'x', isOnline: false, accessToken: 'x'});
    return new api.clients.Graphql({session}).request('mutation { x }');
  },
  async '@aws-sdk/client-kms'(url) {
    const {KMSClient, CreateKeyCommand} = await import('@aws-sdk/client-kms');
    const client = new KMSClient({endpoint: url, region: 'eu-central-1', credentials: {accessKeyId: 'x', secretAccessKey: 'x'}});
    return client.send(new CreateKeyCommand({}));
  },
  async '@azure/core-rest-pipeline'(url) {
    const {createPipelineFromOptions, createDefaultHttpClient, createPipelineRequest} = await import('@azure/core-rest-pipeline');
    const request = createPipelineRequest({url, method: 'POST', body: '{}', allowInsecureConnection: true});
    const response = await createPipelineFromOptions({}).sendRequest(createDefaultHttpClient(), request);
    return Promise.reject({constructor: {name: 'PipelineResponse'}, status: response.status});
  },
};

const quiet = {debug() {}, info() {}, warn() {}, error() {}};
const issue = (octokit) => octokit.rest.issues.create({owner: 'x', repo: 'x', title: 'x'});

// told is the type of what was thrown, and the HTTP status that it has in a field of its own.
function told(e) {
  const status = [e?.status, e?.statusCode, e?.httpStatusCode, e?.http_code, e?.code, e?.response?.status, e?.response?.code, e?.$metadata?.httpStatusCode]
    .map(Number).find((s) => s >= 100 && s < 600);
  return [e?.constructor?.name ?? typeof e, status].filter(Boolean).join(' ');
}

let input = '';
for await (const chunk of process.stdin) input += chunk;
const {sdk, scenes} = JSON.parse(input);
console.log = console.warn = console.info = console.error = () => {};
const seen = {};
const all = Promise.all(Object.entries(scenes).map(async ([name, url]) => {
  seen[name] = await scene.run(url, () => calls[sdk](url)).then(() => 'no error', told);
}));
await Promise.race([all, new Promise((resolve) => setTimeout(resolve, process.argv[2] - Date.now()))]);
process.stdout.write(JSON.stringify(seen), () => process.exit());
