#include "simulator/ber.h"
#include "tests/fuzz/target.h"
#include "watchers/directory/controls_openldap.h"

namespace driftwarden::directory {

// The control's value, as a server answers it and as a client asks.
DW_FUZZ_TARGET(dirsync_control) {
  const auto response = DecodeDirSyncResponse(input);
  if (response.ok()) DW_HOLDS(response->cookie.size() <= input.size());
  DirSyncRequest request;
  request.flags = input.empty() ? 0 : uint32_t{0x80000000} | static_cast<uint8_t>(input[0]);
  request.cookie = std::string(input);
  const auto read = simulator::DecodeDirSyncValue(EncodeDirSyncRequest(request));
  DW_HOLDS(read.ok() && read->cookie == request.cookie);
  DW_HOLDS(static_cast<uint32_t>(read->flags) == request.flags);
  DW_HOLDS(read->max_bytes == request.max_bytes);
}

}  // namespace driftwarden::directory
