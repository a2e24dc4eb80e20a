// SPDX-License-Identifier: Apache-2.0
// usage: NODE_PATH=node_modules node ask.js inference.proto HOST:PORT QUESTION.json
// Asks as a JavaScript client does. QUESTION: {model, inputs, state: [number]}; the answers go to standard output.
const fs = require("fs");
const grpc = require("@grpc/grpc-js");
const loader = require("@grpc/proto-loader");

const [proto, address, question] = process.argv.slice(2);
const { model, inputs, state } = JSON.parse(fs.readFileSync(question, "utf8"));
const definition = loader.loadSync(proto, { keepCase: true, longs: Number, defaults: true });
const { GRPCInferenceService } = grpc.loadPackageDefinition(definition).inference;
const client = new GRPCInferenceService(address, grpc.credentials.createInsecure());

// {answer}, or {code, message} of a refusal.
function call(method, request) {
  return new Promise((resolve) =>
    client[method](request, { deadline: Date.now() + 30000 }, (error, answer) =>
      resolve(error ? { code: error.code, message: error.details } : { answer })));
}

function stream(requests) {
  return new Promise((resolve, reject) => {
    const calls = client.ModelStreamInfer({ deadline: Date.now() + 30000 });
    const answers = [];
    calls.on("data", (answer) => answers.push(answer));
    calls.on("end", () => resolve(answers));
    calls.on("error", reject);
    for (const request of requests) calls.write(request);
    calls.end();
  });
}

const tensor = { name: "input", datatype: "FP32", shape: [1, inputs] };
const raw = { model_name: model, id: "raw", inputs: [tensor],
  raw_input_contents: [Buffer.from(Float32Array.from(state).buffer)] };
const typed = { model_name: model, id: "typed", inputs: [{ ...tensor, contents: { fp32_contents: state } }] };
// Bytes as hexadecimal digits.
const shown = (key, value) => (value && value.type === "Buffer" ? Buffer.from(value.data).toString("hex") : value);

(async () => {
  const answers = {
    live: await call("ServerLive", {}),
    ready: await call("ServerReady", {}),
    metadata: await call("ModelMetadata", { name: model }),
    raw: await call("ModelInfer", raw),
    typed: await call("ModelInfer", typed),
    stream: await stream([raw, typed, { ...raw, id: "refused", model_name: "none" }]),
    no_model: await call("ModelInfer", { ...raw, model_name: "none" }),
    short: await call("ModelInfer", { ...raw, raw_input_contents: [Buffer.alloc(3)] }),
    load: await call("RepositoryModelLoad", { model_name: model }),
    statistics: await call("ModelStatistics", { name: model }),
    codes: grpc.status,
  };
  process.stdout.write(JSON.stringify(answers, shown));
  client.close();
})();
