/* Security keys: ask the browser, put its answer into the form, send the form. Without scripts the page offers other ways. */
(() => {
  "use strict";
  const form = document.querySelector("form[data-key]");
  if (!form) return;
  const part = (name) => form.querySelector(`[data-key-${name}]`);
  const [start, failed, unknown, answer] = ["start", "failed", "unknown", "answer"].map(part);
  part("noscript").hidden = true;
  if (!window.PublicKeyCredential || !navigator.credentials) { unknown.hidden = false; return; }

  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (sign) => sign.charCodeAt(0));
  const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const named = (keys) => (keys || []).map((key) => ({ ...key, id: bytes(key.id) }));

  const asked = () => {
    const options = JSON.parse(form.dataset.options);
    options.challenge = bytes(options.challenge);
    if (options.user) options.user.id = bytes(options.user.id);
    if (options.allowCredentials) options.allowCredentials = named(options.allowCredentials);
    if (options.excludeCredentials) options.excludeCredentials = named(options.excludeCredentials);
    return options;
  };
  const said = (credential) => {
    const response = {};
    for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
      if (credential.response[name]) response[name] = text(credential.response[name]);
    }
    return JSON.stringify({ id: credential.id, rawId: text(credential.rawId), type: credential.type, response });
  };

  start.hidden = false;
  start.addEventListener("click", async () => {
    failed.hidden = true;
    start.disabled = true;
    try {
      answer.value = said(await navigator.credentials[form.dataset.key]({ publicKey: asked() }));
      form.submit();
    } catch {
      failed.hidden = false;
      start.disabled = false;
    }
  });
})();
