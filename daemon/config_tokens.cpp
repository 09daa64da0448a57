#include <optional>

#include "base/files.h"
#include "daemon/auth.h"
#include "daemon/config_node.h"

namespace driftwarden::daemon {
namespace {

std::optional<Token> ReadToken(MapReader section) {
  Token token;
  section.Require("name", &token.name, "grafana");
  const auto role = section.Choice("role", {"viewer", "operator", "approver", "admin"});
  if (role) token.role = static_cast<Role>(*role + 1);
  if (!section.Take("role")) {
    section.faults().Add(section.Mark(),
                         Cat(section.Path("role"), " is missing; add role: viewer"));
  }
  std::string text;
  section.Require("sha256", &text, "the token's SHA-256 in hex");
  const auto digest = HexDecode(text);
  const bool whole = digest.has_value() && digest->size() == token.digest.size();
  if (whole) {
    std::copy(digest->begin(), digest->end(), token.digest.begin());
  } else if (!text.empty()) {
    // The text is not repeated: somebody may have put the token itself here.
    const auto place = section.Take("sha256");
    section.faults().Add(place ? place->Mark() : section.Mark(),
                         Cat(section.Path("sha256"),
                             " must be 64 hexadecimal digits (printf %s TOKEN | sha256sum)"));
  }
  section.Finish();
  if (!whole || token.name.empty()) return std::nullopt;
  return token;
}

}  // namespace

StatusOr<std::vector<Token>> LoadTokens(const std::string& path) {
  DW_ASSIGN_OR_RETURN(const std::string text, ReadFile(path, 1 << 20));
  Faults faults(path);
  std::vector<Token> tokens;
  try {
    const YAML::Node root = YAML::Load(text);
    if (!root.IsSequence() || root.size() == 0) {
      faults.Add(root.Mark(), "must be a list of - {name, role, sha256}");
    } else {
      for (const auto& item : root) {
        if (!item.IsMap()) {
          faults.Add(item.Mark(), "tokens[] must be a mapping: - {name, role, sha256}");
          continue;
        }
        if (auto token = ReadToken(MapReader(item, "tokens[]", faults))) tokens.push_back(*token);
      }
    }
  } catch (const YAML::Exception& error) {
    faults.Add(error.mark, Cat("not YAML: ", error.msg));
  }
  if (!faults.empty()) return InvalidError(faults.Text());
  return tokens;
}

}  // namespace driftwarden::daemon
