/* Proof of work for anonymous forms (ALTCHA's second protocol): begins when somebody begins to fill in the form, works
   in a worker, and never stands in the way: where anything fails the form is sent without a proof. */
(() => {
  "use strict";
  const PATIENCE = 15000; // milliseconds a sent form waits for its proof
  const EARLY = 60000; // a proof this close to its end is made anew

  const solved = (parameters, worker) => new Promise((resolve, reject) => {
    const hand = new Worker(worker);
    const done = (act, value) => { hand.terminate(); act(value); };
    hand.onmessage = (event) => (event.data ? done(resolve, event.data) : done(reject, new Error("no solution")));
    hand.onerror = () => done(reject, new Error("no worker"));
    hand.postMessage(parameters);
  });

  const guard = (input) => {
    const form = input.form;
    const status = form.querySelector("[data-proof-status]");
    let proof = null; // a promise once somebody began
    let ends = 0;

    const say = (words) => { if (status) status.textContent = words || ""; };
    const fetched = async () => {
      const answer = await fetch(input.dataset.proof, { headers: { Accept: "application/json" }, credentials: "omit" });
      if (!answer.ok) throw new Error("no challenge");
      return answer.json();
    };
    const make = async () => {
      const challenge = await fetched();
      const solution = await solved(challenge.parameters, input.dataset.worker);
      input.value = btoa(JSON.stringify({ challenge, solution }));
      ends = challenge.parameters.expiresAt * 1000;
      say("");
    };
    const begin = () => {
      if (proof && (ends === 0 || Date.now() < ends - EARLY)) return proof;
      ends = 0;
      input.value = "";
      proof = make().catch(() => { ends = Infinity; say(""); });
      return proof;
    };
    const is_ready = () => ends === Infinity || (ends > 0 && Date.now() < ends - EARLY);

    form.addEventListener("focusin", begin);
    form.addEventListener("input", begin);
    form.addEventListener("submit", (event) => {
      if (is_ready()) return;
      event.preventDefault();
      const by = event.submitter;
      say(status && status.dataset.working);
      const late = new Promise((resolve) => { setTimeout(resolve, PATIENCE); });
      Promise.race([begin(), late]).then(() => {
        if (!is_ready()) ends = Infinity;
        form.requestSubmit(by || undefined);
      });
    });
    window.addEventListener("pageshow", (event) => { if (event.persisted) { proof = null; ends = 0; input.value = ""; say(""); } });
    if (form.contains(document.activeElement)) begin(); // an autofocused field
  };

  if (!window.isSecureContext || !window.Worker || !window.fetch) return;
  document.querySelectorAll("input[data-proof]").forEach((input) => {
    if (!input.dataset.guarded && input.form) { input.dataset.guarded = "1"; guard(input); }
  });
})();
