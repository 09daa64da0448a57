#include "watchers/ad_dirsync_cursor.h"

#include "base/hex.h"
#include "base/strings.h"

namespace driftwarden::watchers {
namespace {

constexpr std::string_view kVersion = "dirsync1";

}  // namespace

std::string DirSyncCursor::ToString() const {
  if (cookie.empty()) return usn;
  return Cat(kVersion, ' ', Base64Encode(cookie), ' ', usn);
}

DirSyncCursor ParseDirSyncCursor(std::string_view text) {
  DirSyncCursor cursor;
  cursor.usn = std::string(text);
  const size_t cookie_at = kVersion.size() + 1;
  if (!text.starts_with(kVersion) || text.size() <= cookie_at) return cursor;
  const size_t usn_at = text.find(' ', cookie_at);
  if (usn_at == std::string_view::npos) return cursor;
  const auto cookie = Base64Decode(text.substr(cookie_at, usn_at - cookie_at));
  if (!cookie || cookie->empty()) return cursor;
  DirSyncCursor whole;
  whole.cookie = *cookie;
  whole.usn = std::string(text.substr(usn_at + 1));
  if (whole.ToString() != text) return cursor;
  return whole;
}

}  // namespace driftwarden::watchers
