#include "watchers/directory/controls_openldap.h"

#include <lber.h>

#include <memory>

#include "base/check.h"

namespace driftwarden::directory {
namespace {

struct FreeBer {
  void operator()(BerElement* ber) const { ber_free(ber, 1); }
};
using Ber = std::unique_ptr<BerElement, FreeBer>;

}  // namespace

std::string EncodeDirSyncRequest(const DirSyncRequest& request) {
  const Ber ber(ber_alloc_t(LBER_USE_DER));
  berval* flat = nullptr;
  const bool made = ber != nullptr &&
                    ber_printf(ber.get(), "{iio}", static_cast<ber_int_t>(request.flags),
                               static_cast<ber_int_t>(request.max_bytes), request.cookie.data(),
                               static_cast<ber_len_t>(request.cookie.size())) >= 0 &&
                    ber_flatten(ber.get(), &flat) == 0;
  DW_CHECK(made);  // memory alone can be missing
  std::string out(flat->bv_val, flat->bv_len);
  ber_bvfree(flat);
  return out;
}

StatusOr<DirSyncResponse> DecodeDirSyncResponse(std::string_view bytes) {
  // liblber reads through a null pointer when there is nothing at all.
  if (bytes.empty()) return DataLossError("an empty DirSync control");
  berval value{bytes.size(), const_cast<char*>(bytes.data())};
  const Ber ber(ber_init(&value));
  ber_int_t more = 0;
  ber_int_t unused = 0;
  berval cookie{};
  if (ber == nullptr || ber_scanf(ber.get(), "{iim}", &more, &unused, &cookie) == LBER_ERROR) {
    return DataLossError("a DirSync control that does not decode");
  }
  DirSyncResponse response;
  response.more = more != 0;
  response.cookie.assign(cookie.bv_val == nullptr ? "" : cookie.bv_val, cookie.bv_len);
  return response;
}

}  // namespace driftwarden::directory
