#pragma once

// Builds replPropertyMetaData byte by byte, apart from the decoder.

#include <cstdint>
#include <string>
#include <vector>

namespace driftwarden::directory {

struct MetadataEntry {
  uint32_t attribute = 0;
  uint32_t version = 0;
  uint64_t seconds = 0;  // since 1601
  std::string invocation = std::string(16, '\1');
  uint64_t usn = 0;
};

inline void AppendLittle(std::string& out, uint64_t value, int width) {
  for (int i = 0; i < width; ++i) out.push_back(static_cast<char>(value >> (8 * i)));
}

inline std::string MetadataBytes(const std::vector<MetadataEntry>& entries) {
  std::string out;
  AppendLittle(out, 1, 8);
  AppendLittle(out, entries.size(), 8);
  for (const MetadataEntry& entry : entries) {
    AppendLittle(out, entry.attribute, 4);
    AppendLittle(out, entry.version, 4);
    AppendLittle(out, entry.seconds, 8);
    out += entry.invocation;
    AppendLittle(out, entry.usn, 8);
    AppendLittle(out, entry.usn, 8);
  }
  return out;
}

}  // namespace driftwarden::directory
