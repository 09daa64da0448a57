// msal-node's client credentials flow, once for each credential of the JSON file named by the first
// argument: {authority, host, clientId, scope, credentials: [{name, secret | certificate}]}. Prints
// one JSON array: {name, token} or {name, error, message} each.

import {createHash, X509Certificate} from "node:crypto";
import {readFileSync} from "node:fs";
import {ConfidentialClientApplication} from "@azure/msal-node";

const wish = JSON.parse(readFileSync(process.argv[2], "utf8"));

function thumbprint(pem, algorithm) {
  return createHash(algorithm).update(new X509Certificate(pem).raw).digest("hex");
}

function proof(credential) {
  if (credential.secret !== undefined) return {clientSecret: credential.secret};
  const pem = readFileSync(credential.certificate, "utf8");
  const privateKey = readFileSync(credential.key, "utf8");
  return {
    clientCertificate: credential.form === "rs256"
      ? {thumbprint: thumbprint(pem, "sha1"), privateKey}
      : {thumbprintSha256: thumbprint(pem, "sha256"), privateKey},
  };
}

const results = [];
for (const credential of wish.credentials) {
  const application = new ConfidentialClientApplication({
    auth: {
      clientId: wish.clientId,
      authority: wish.authority,
      knownAuthorities: [wish.host],
      ...proof(credential),
    },
  });
  try {
    const result = await application.acquireTokenByClientCredential({scopes: [wish.scope]});
    results.push({name: credential.name, token: result.accessToken});
  } catch (error) {
    results.push({name: credential.name, error: error.errorCode, message: error.errorMessage});
  }
}
console.log(JSON.stringify(results));
