#include "base/hex.h"
#include "base/strings.h"
#include "tests/fuzz/target.h"
#include "watchers/directory/ldap_result.h"

namespace driftwarden {

DW_FUZZ_TARGET(text) {
  DW_HOLDS(HexDecode(HexEncode(input)) == std::string(input));
  DW_HOLDS(Base64Decode(Base64Encode(input)) == std::string(input));
  if (const auto bytes = HexDecode(input)) DW_HOLDS(HexEncode(*bytes) == ToLowerAscii(input));
  if (const auto bytes = Base64Decode(input)) DW_HOLDS(Base64Encode(*bytes).size() == input.size());
  DW_HOLDS(JoinStrings(SplitString(input, ','), ",") == input);
  if (const auto number = ParseInt64(input)) DW_HOLDS(ParseInt64(Cat(*number)) == number);
  // What is printed is one line of UTF-8, whatever came in and wherever it is cut.
  for (const size_t limit : {size_t{0}, size_t{1}, size_t{7}, size_t{400}}) {
    const std::string shown = Printable(input, limit);
    DW_HOLDS(IsUtf8(shown));
    for (const char c : shown) DW_HOLDS(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
  }
  (void)directory::BindReason(input);
}

}  // namespace driftwarden
