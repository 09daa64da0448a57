#include "tests/fuzz/target.h"
#include "watchers/graph/json.h"

namespace driftwarden::graph {

DW_FUZZ_TARGET(token) {
  JsonDecoder decoder;
  std::string body(input);
  const auto reply = decoder.DecodeToken(body);
  DW_HOLDS(reply.ok() || absl::IsDataLoss(reply.status()));
  DW_HOLDS(body == input);
  // One decoder serves a client for life: what it read before changes nothing.
  const auto again = decoder.DecodeToken(body);
  DW_HOLDS(again.ok() == reply.ok());
  if (!reply.ok()) return;
  DW_HOLDS(again->access_token.Reveal() == reply->access_token.Reveal());
  DW_HOLDS(again->expires_in == reply->expires_in && again->error == reply->error);
  DW_HOLDS(again->error_codes == reply->error_codes);
}

}  // namespace driftwarden::graph
