// A function as it is written for Google Cloud Functions; the runner compares it with the same one on Spikard.
const functions = require("@google-cloud/functions-framework");

functions.cloudEvent("handle", (event) => {
  process.stdout.write("EVENT " + JSON.stringify(event) + "\n");
  if (event.type === "throw") throw new Error("as the event says");
});
