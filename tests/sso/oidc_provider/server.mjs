// The certified OpenID provider, on loopback, with people who sign in by name.
// ISSUER, CLIENT_SECRET, REDIRECTS and AFTER (by comma) and LOGOUT (back-channel) come from the test that starts it.
// Prints its issuer once it listens. Whoever ticks "mfa" is taken to have shown a second factor.
import { createServer } from "node:http";
import { Provider } from "oidc-provider";

const { ISSUER, CLIENT_SECRET, REDIRECTS, AFTER = "", LOGOUT } = process.env;
const PEOPLE = {
  ada: { email: "ada@acme.example", email_verified: true, name: "Ada Acme", groups: ["desk"] },
  eve: { email: "eve@elsewhere.example", email_verified: true, name: "Eve", groups: [] },
};

const provider = new Provider(ISSUER, {
  clients: [
    {
      client_id: "verso",
      client_secret: CLIENT_SECRET,
      redirect_uris: REDIRECTS.split(","),
      post_logout_redirect_uris: AFTER.split(",").filter(Boolean),
      response_types: ["code"],
      grant_types: ["authorization_code"],
      ...(LOGOUT && { backchannel_logout_uri: LOGOUT, backchannel_logout_session_required: true }),
    },
  ],
  claims: {
    openid: ["sub", "amr"],
    email: ["email", "email_verified"],
    profile: ["name", "groups"],
    auth_time: null,
    sid: null,
    iss: null,
  },
  conformIdTokenClaims: true, // e-mail, name and groups come from userinfo only
  features: {
    devInteractions: { enabled: false },
    backchannelLogout: { enabled: true },
    rpInitiatedLogout: {
      enabled: true,
      logoutSource: (ctx, form) => {
        ctx.body = `<!doctype html><title>Sign out</title>${form}
<button form="op.logoutForm" name="logout" value="yes">Sign out at Acme</button>`;
      },
      postLogoutSuccessSource: (ctx) => {
        ctx.body = "<!doctype html><title>Bye</title><p>Signed out at Acme</p>";
      },
    },
  },
  // The provider, too, calls no address inside the house by itself; ours is inside this one.
  fetch: (url, { dispatcher, ...options }) => globalThis.fetch(url, options),
  pkce: { required: () => true },
  ttl: { AccessToken: 600, AuthorizationCode: 60, IdToken: 600, Interaction: 600, Session: 3600, Grant: 3600 },
  cookies: { keys: ["for tests only"] },
  findAccount: (_ctx, id) => PEOPLE[id] && { accountId: id, claims: () => ({ sub: id, ...PEOPLE[id] }) },
  interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
  // Nobody is asked for consent: the organisation has given it.
  loadExistingGrant: async (ctx) => {
    const grant = new ctx.oidc.provider.Grant({
      clientId: ctx.oidc.client.clientId,
      accountId: ctx.oidc.session.accountId,
    });
    grant.addOIDCScope("openid email profile");
    await grant.save();
    return grant;
  },
});

const form = `<!doctype html><title>Sign in at Acme</title><form method="post">
<label>Name <input name="login"></label> <label><input type="checkbox" name="mfa" value="1"> with a second factor</label>
<button>Sign in at Acme</button> <button name="cancel" value="1">Cancel</button></form>`;

async function body(request) {
  let text = "";
  for await (const piece of request) text += piece;
  return new URLSearchParams(text);
}

async function interact(request, response) {
  await provider.interactionDetails(request, response);
  if (request.method !== "POST") {
    response.setHeader("Content-Type", "text/html");
    response.end(form);
    return;
  }
  const typed = await body(request);
  const said = typed.has("cancel")
    ? { error: "access_denied", error_description: "The person said <no>" }
    : { login: { accountId: typed.get("login"), amr: typed.has("mfa") ? ["pwd", "otp", "mfa"] : ["pwd"] } };
  await provider.interactionFinished(request, response, said);
}

const answer = provider.callback();
createServer((request, response) => {
  if (!request.url.startsWith("/interaction/")) return answer(request, response);
  return interact(request, response).catch((error) => {
    response.statusCode = 400;
    response.end(String(error));
  });
}).listen(Number(new URL(ISSUER).port), "127.0.0.1", () => console.log(ISSUER));
