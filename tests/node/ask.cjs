// Asks as a user's program does: through @azure/identity as it comes from npm.
const { DefaultAzureCredential, ManagedIdentityCredential } = require("@azure/identity");

async function main() {
  const got = [];
  for (const one of [new ManagedIdentityCredential(), new DefaultAzureCredential(), new ManagedIdentityCredential({ clientId: "some-id" })]) {
    const { token, expiresOnTimestamp } = await one.getToken(process.argv[2]);
    got.push([token, expiresOnTimestamp / 1000]);
  }
  console.log(JSON.stringify(got));
}

main().catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
