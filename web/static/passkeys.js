// Passkeys: a browser is asked for one by script alone. What it answers is sent by the form around the button.
(() => {
  "use strict";
  const WHY = {
    NotAllowedError: "Nothing was sent: it was called off, it took too long, or this device has no passkey for these pages.",
    InvalidStateError: "This device has a passkey for this account already.",
    NotSupportedError: "This device cannot keep such a passkey.",
    ConstraintError: "This device cannot check that it is you: it needs a screen lock first.",
    SecurityError: "Passkeys do not work at this address of the pages.",
  };
  const known = window.isSecureContext && window.PublicKeyCredential?.parseRequestOptionsFromJSON;

  // What to ask with: good for five minutes and once, so it is asked for at the press where it can be.
  const asked = async (part, form) => {
    if (part.dataset.options) return JSON.parse(part.dataset.options);
    const body = new URLSearchParams({ mark: form.elements.mark.value });
    const answer = await fetch(part.dataset.asks, { method: "POST", body, credentials: "same-origin" });
    const said = await answer.json();
    if (!answer.ok) throw Object.assign(new Error(said.detail), { name: "Refused" });
    return said.passkey_options;
  };
  const shown = async (part, options) => {
    if (part.dataset.passkey !== "make") {
      return navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
    }
    return navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) });
  };

  for (const part of document.querySelectorAll("[data-passkey]")) {
    const [button, input, said] = ["button", "input", "[data-said]"].map((each) => part.querySelector(each));
    const form = part.closest("form");
    if (!known) {
      said.textContent = "This browser knows no passkeys, so please go another way.";
      continue;
    }
    button.hidden = false;
    let underWay = false;
    button.addEventListener("click", async () => {
      if (underWay || form.dataset.sent) return;
      underWay = true;
      said.textContent = "Waiting for your passkey.";
      try {
        const answer = await shown(part, await asked(part, form));
        input.value = JSON.stringify(answer.toJSON());
        said.textContent = "One moment.";
        form.requestSubmit();
      } catch (error) {
        const words = WHY[error.name] ?? (error.name === "Refused" ? error.message : "");
        said.textContent = words || "That did not work. Please load this page again, or go another way.";
      } finally {
        underWay = false;
      }
    });
    // One that was sent is good no more, also where Back brings the page back as it was.
    window.addEventListener("pageshow", () => { input.value = ""; });
  }
})();
