// A certified provider of OpenID Connect on a free port of 127.0.0.1, for tests: `node server.mjs FOLDER SETTINGS`,
// with the folder that has the packages, and as JSON: `clients` as oidc-provider takes them, `claims_in_id_token`,
// `algorithm`.
//
// Beside the provider's own routes there are `POST /test/accounts` with the claims of an account, whose `sub` is what
// people log in with, and `POST /test/rotate`, after which there is another signing key.

import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const [, , folder, settings] = process.argv;
const { clients, claims_in_id_token: claimsInIdToken, algorithm = 'RS256' } = JSON.parse(settings);
const packages = createRequire(pathToFileURL(`${folder}/package.json`));
const { Provider } = await import(pathToFileURL(packages.resolve('oidc-provider')));

const KINDS = {
    RS256: ['rsa', { modulusLength: 2048 }],
    PS256: ['rsa', { modulusLength: 2048 }],
    ES256: ['ec', { namedCurve: 'P-256' }],
    EdDSA: ['ed25519', {}],
};

function signingKey() {
    const { privateKey } = generateKeyPairSync(...KINDS[algorithm]);
    const kid = randomBytes(8).toString('hex');
    return { ...privateKey.export({ format: 'jwk' }), kid, use: 'sig', alg: algorithm };
}

const accounts = new Map();
const cookieKey = randomBytes(32).toString('hex');

// What is logged in and given out is kept by the module: it outlives the provider that rotation replaces.
function provide(issuer) {
    const provider = new Provider(issuer, {
        clients: clients.map((client) => ({ id_token_signed_response_alg: algorithm, ...client })),
        claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
        conformIdTokenClaims: !claimsInIdToken,
        cookies: { keys: [cookieKey] },
        enabledJWA: { idTokenSigningAlgValues: Object.keys(KINDS) },
        features: { devInteractions: { enabled: true }, revocation: { enabled: true } },
        findAccount: (_, sub) => ({ accountId: sub, claims: () => ({ ...accounts.get(sub), sub }) }),
        issueRefreshToken: (_, client) => client.grantTypeAllowed('refresh_token'),
        jwks: { keys: [signingKey()] },
        pkce: { required: () => true },
    });
    return provider.callback();
}

async function body(request) {
    let text = '';
    for await (const chunk of request) text += chunk;
    return JSON.parse(text || 'null');
}

let answer;
const server = createServer(async (request, response) => {
    switch (request.url) {
        case '/test/accounts': {
            const { sub, ...claims } = await body(request);
            accounts.set(sub, claims);
            response.writeHead(204).end();
            break;
        }
        case '/test/rotate':
            answer = provide(issuer());
            response.writeHead(204).end();
            break;
        default:
            answer(request, response);
    }
});

const issuer = () => `http://127.0.0.1:${server.address().port}`;

server.listen(0, '127.0.0.1', () => {
    answer = provide(issuer());
    console.log(`listening on ${issuer()}`);
});
