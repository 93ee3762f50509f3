#include "tools/sluice-authority/witness_serve.h"

#include <memory>

#include "tools/sluice-authority/log_source.h"
#include "tools/sluice-authority/witness.h"

namespace sluice::authority {
namespace {

struct Upload {
  std::string body;
  bool too_long = false;
};

MHD_Result answer_post(void* witness, MHD_Connection* connection, const char* url,
                       const char* method, const char*, const char* data, std::size_t* octets,
                       void** kept) {
  // Once for the fields, then with each piece of the body, then without any.
  if (*kept == nullptr) {
    *kept = std::make_unique<Upload>().release();
    return MHD_YES;
  }
  auto& upload = *static_cast<Upload*>(*kept);
  if (*octets != 0) {
    upload.too_long = upload.too_long || upload.body.size() + *octets > kMaxCheckpointRequest;
    if (!upload.too_long) upload.body.append(data, *octets);
    *octets = 0;
    return MHD_YES;
  }
  if (std::string_view(url) != "/add-checkpoint") {
    return send_text(connection, MHD_HTTP_NOT_FOUND, "only add-checkpoint is here\n");
  }
  if (std::string_view(method) != MHD_HTTP_METHOD_POST) {
    return send_text(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "checkpoints are posted\n",
                     {"Allow", "POST"});
  }
  if (upload.too_long) {
    return send_text(connection, MHD_HTTP_CONTENT_TOO_LARGE, "longer than any checkpoint\n");
  }
  const WitnessAnswer said = static_cast<WitnessServer*>(witness)->add_checkpoint(upload.body);
  return send_text(connection, said.status, said.body, {}, said.type);
}

void completed(void*, MHD_Connection*, void** kept, MHD_RequestTerminationCode) {
  const std::unique_ptr<Upload> upload(static_cast<Upload*>(*kept));
  *kept = nullptr;
}

}  // namespace

Status witness_serve_command(const LogOptions& options, const ListenOptions& listen) {
  auto key = tuf::PrivateKey::load(options.key, options.passphrase);
  if (!key) return fail(key.error());
  auto policy = chosen_policy(options.policy, options.log);
  if (!policy) return fail(policy.error());
  auto witness = WitnessServer::open(std::move(*policy), options.name, std::move(*key),
                                     options.state, options.clock);
  if (!witness) return fail(witness.error());
  return serve_http(listen, {.answer = &answer_post,
                             .with = &*witness,
                             .completed = &completed,
                             .what = "the witness " + options.name});
}

}  // namespace sluice::authority
