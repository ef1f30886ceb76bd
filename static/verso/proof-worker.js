/* Looks for the counter whose derived key begins as the challenge says: PBKDF2 over nonce and counter. */
"use strict";
const bytes = (hex) => Uint8Array.from(hex.match(/../g) || [], (pair) => parseInt(pair, 16));
const hex = (found) => Array.from(found, (byte) => byte.toString(16).padStart(2, "0")).join("");
const MOST = 100000;

const derived = async (nonce, counter, { salt, iterations, length, hash }) => {
  const password = new Uint8Array(nonce.length + 4);
  password.set(nonce);
  new DataView(password.buffer).setUint32(nonce.length, counter);
  const key = await crypto.subtle.importKey("raw", password, "PBKDF2", false, ["deriveBits"]);
  return hex(new Uint8Array(await crypto.subtle.deriveBits({ name: "PBKDF2", salt, iterations, hash }, key, length * 8)));
};

onmessage = async ({ data }) => {
  const how = { salt: bytes(data.salt), iterations: data.cost, length: data.keyLength, hash: data.algorithm.replace("PBKDF2/", "") };
  const nonce = bytes(data.nonce);
  for (let counter = 0; counter < MOST; counter += 1) {
    const derivedKey = await derived(nonce, counter, how);
    if (derivedKey.startsWith(data.keyPrefix)) {
      postMessage({ counter, derivedKey });
      return;
    }
  }
  postMessage(null);
};
