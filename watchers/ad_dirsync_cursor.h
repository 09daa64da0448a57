#pragma once

// How far a domain was read by DirSync. Versioned text.

#include <string>
#include <string_view>

namespace driftwarden::watchers {

// As text it stands before the text of a USN cursor, which goes on meaning what it means.
struct DirSyncCursor {
  std::string cookie;  // raw; empty: there is none
  std::string usn;     // AdCursor's text

  std::string ToString() const;  // the USN cursor alone when there is no cookie
};
// A text that is none of ours is taken for a USN cursor, which says so itself.
DirSyncCursor ParseDirSyncCursor(std::string_view text);

}  // namespace driftwarden::watchers
