#include "simulator/delta.h"
#include "tests/fuzz/target.h"
#include "watchers/ad_cursor.h"
#include "watchers/ad_dirsync_cursor.h"

namespace driftwarden::watchers {

DW_FUZZ_TARGET(cursors) {
  if (const auto cursor = ParseAdCursor(input)) {
    const auto again = ParseAdCursor(cursor->ToString());
    DW_HOLDS(again.has_value() && again->ToString() == cursor->ToString());
    DW_HOLDS(input.substr(0, 5) == "usn1 " || cursor->ToString() == input);
    DW_HOLDS(!cursor->bounds.empty() && cursor->bounds.size() <= AdCursor::kMaxBounds);
  }
  const std::string text(input);
  DW_HOLDS(ParseDirSyncCursor(text).ToString() == text);
  if (const auto token = simulator::DeltaToken::Decode(input)) {
    const auto again = simulator::DeltaToken::Decode(token->Encode());
    DW_HOLDS(again.has_value());
    DW_HOLDS(again->kind == token->kind && again->generation == token->generation &&
             again->select == token->select && again->bound == token->bound &&
             again->position == token->position && again->empty_pages == token->empty_pages);
  }
}

}  // namespace driftwarden::watchers
