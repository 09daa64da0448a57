#pragma once

// Small whole-file reads and atomic replacement. Blocking; for start-up, tokens and run.json.

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"

namespace driftwarden {

// The error names the path and the system's reason.
StatusOr<std::string> ReadFile(const std::string& path, uint64_t size_limit = 16 << 20);

// Writes a temporary file beside `path`, syncs it, renames it over `path` and syncs the directory:
// a reader sees the old content or the new, never a part.
Status WriteFileAtomic(const std::string& path, std::string_view content, mode_t mode = 0600);

// mkdir -p with `mode` for what is new.
Status MakeDirectories(const std::string& path, mode_t mode = 0700);

// "No such file or directory (errno 2)" for `error`.
std::string SystemErrorText(int error);

}  // namespace driftwarden
