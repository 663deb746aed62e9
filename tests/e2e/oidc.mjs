// A real authorization server: oidc-provider on loopback, with one client
// that asks for tokens and one that asks about them.
//
//	node oidc.mjs PORT KEY.pem ... (the first key signs)
//
// Tokens for the resource urn:things are JWTs, the others opaque.
import fs from 'node:fs';
import crypto from 'node:crypto';
import { Provider } from 'oidc-provider';

const [port, ...pems] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;
const keys = pems.map((file) => ({
	...crypto.createPrivateKey(fs.readFileSync(file)).export({ format: 'jwk' }),
	kid: file.replace(/.*\//, ''),
	use: 'sig',
	alg: 'ES256',
}));
const client = (client_id, grant_types) => ({
	client_id,
	client_secret: `${client_id}-secret-that-is-long-enough`,
	grant_types,
	redirect_uris: [],
	response_types: [],
	token_endpoint_auth_method: 'client_secret_basic',
	introspection_signed_response_alg: 'ES256',
	id_token_signed_response_alg: 'ES256',
});
const provider = new Provider(issuer, {
	clients: [client('app', ['client_credentials']), client('gate', [])],
	jwks: { keys },
	scopes: ['read', 'write'],
	features: {
		devInteractions: { enabled: false },
		clientCredentials: { enabled: true },
		introspection: { enabled: true, allowedPolicy: () => true },
		revocation: { enabled: true, allowedPolicy: () => true },
		resourceIndicators: {
			enabled: true,
			defaultResource: () => undefined,
			getResourceServerInfo: () => ({
				scope: 'read write',
				audience: 'things',
				accessTokenFormat: 'jwt',
				accessTokenTTL: 600,
				jwt: { sign: { alg: 'ES256' } },
			}),
		},
	},
});
provider.listen(Number(port), '127.0.0.1', () => console.log('ready'));
