#include "tests/fuzz/target.h"
#include "watchers/graph/json.h"

namespace driftwarden::graph {
namespace {

void CheckView(const monitor::EntraView& view) {
  DW_HOLDS(!view.id.empty());
  DW_HOLDS(!view.on_premises_sid ||
           monitor::Sid::FromBytes(view.on_premises_sid->bytes) == view.on_premises_sid);
  // "For ever" would count as a revocation after every departure.
  DW_HOLDS(!view.sessions_valid_from || view.sessions_valid_from->at < absl::InfiniteFuture());
  DW_HOLDS(!view.sessions_valid_from || view.sessions_valid_from->never ||
           view.sessions_valid_from->at > absl::InfinitePast());
}

void TryPage(JsonDecoder& decoder, std::string body) {
  const auto page = decoder.DecodeUsersPage(body);
  if (!page.ok()) {
    DW_HOLDS(absl::IsDataLoss(page.status()));
    return;
  }
  DW_HOLDS(page->next_link.empty() != page->delta_link.empty());
  for (const monitor::EntraView& view : page->users) CheckView(view);
}

void TryUser(JsonDecoder& decoder, std::string body) {
  const auto user = decoder.DecodeUser(body);
  DW_HOLDS(user.ok() || absl::IsDataLoss(user.status()));
  if (user.ok()) CheckView(user->view);
}

}  // namespace

DW_FUZZ_TARGET(graph_json) {
  JsonDecoder decoder;
  std::string body(input);
  TryPage(decoder, body);
  TryUser(decoder, body);
  (void)decoder.DecodeError(body);
  const auto batch = decoder.DecodeBatch(body);
  DW_HOLDS(batch.ok() || absl::IsDataLoss(batch.status()));
  if (!batch.ok()) return;
  for (const BatchItem& item : *batch) {
    DW_HOLDS(item.status == 0 || (item.status >= 100 && item.status <= 599));
    TryUser(decoder, item.body);
  }
}

}  // namespace driftwarden::graph
