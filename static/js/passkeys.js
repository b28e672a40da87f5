// Passkeys and security keys: WebAuthn in forms that add a key, use one, or sign in with one.
const able = "PublicKeyCredential" in window
  && "parseRequestOptionsFromJSON" in PublicKeyCredential;

for (const part of document.querySelectorAll("[data-passkey-login]")) part.hidden = !able;

const given = () => JSON.parse(document.getElementById("passkey-data").textContent);

async function requestOptions(form) {
  if (form.dataset.passkey !== "login") return given().request_options;
  const response = await fetch(form.action, { headers: { Accept: "application/json" } });
  if (!response.ok) throw new Error(`status ${response.status}`);
  return (await response.json()).request_options;
}

async function use(form) {
  const options = await requestOptions(form);
  return navigator.credentials.get({
    publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options.publicKey),
  });
}

async function add(form) {
  const options = structuredClone(given().creation_options.publicKey);
  const alone = form.elements.passwordless?.checked ?? false;
  options.authenticatorSelection = {
    ...options.authenticatorSelection,
    residentKey: alone ? "required" : "discouraged",
    requireResidentKey: alone,
    ...(alone ? { userVerification: "required" } : {}),
  };
  return navigator.credentials.create({
    publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options),
  });
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const failure = form.querySelector("[data-passkey-error]");
    failure.hidden = true;
    try {
      const credential = await (form.dataset.passkey === "add" ? add(form) : use(form));
      form.elements.credential.value = JSON.stringify(credential.toJSON());
      form.submit();
    } catch {
      failure.hidden = false;
    }
  });
}
