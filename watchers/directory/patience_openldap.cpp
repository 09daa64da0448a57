#include "watchers/directory/patience.h"

#include <lber.h>
#include <ldap.h>
#include <poll.h>

#include <cerrno>

namespace driftwarden::directory {
namespace {

constexpr int kLevel = LBER_SBIOD_LEVEL_PROVIDER + 5;  // above the socket, below TLS

int Setup(Sockbuf_IO_Desc* layer, void* argument) {
  layer->sbiod_pvt = argument;
  return 0;
}
int Remove(Sockbuf_IO_Desc*) {
  return 0;
}
int Control(Sockbuf_IO_Desc* layer, int option, void* argument) {
  return LBER_SBIOD_CTRL_NEXT(layer, option, argument);
}
int Close(Sockbuf_IO_Desc*) {
  return 0;
}

}  // namespace

struct Patience::Impl {
  Impl(const Clock& c, absl::Duration l) : clock(c), limit(l) {}

  // False, and errno, when the time is over.
  bool Await(Sockbuf* socket, short events);
  static ber_slen_t Read(Sockbuf_IO_Desc* layer, void* buffer, ber_len_t size);
  static ber_slen_t Write(Sockbuf_IO_Desc* layer, void* buffer, ber_len_t size);
  static int Connected(LDAP* handle, Sockbuf* socket, LDAPURLDesc* url, struct sockaddr* address,
                       struct ldap_conncb* callback);
  static void Disconnected(LDAP*, Sockbuf*, struct ldap_conncb*) {}

  const Clock& clock;
  const absl::Duration limit;
  absl::Duration deadline;
  bool active = true;
  bool expired = false;
  ldap_conncb callback{};
};

bool Patience::Impl::Await(Sockbuf* socket, short events) {
  ber_socket_t fd = -1;
  ber_sockbuf_ctrl(socket, LBER_SB_OPT_GET_FD, &fd);
  while (true) {
    const absl::Duration left = deadline - clock.Steady();
    if (left <= absl::ZeroDuration()) break;
    pollfd wait{fd, events, 0};
    const int ready = ::poll(&wait, 1, static_cast<int>(absl::ToInt64Milliseconds(left)) + 1);
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
  }
  expired = true;
  errno = ETIMEDOUT;
  return false;
}

ber_slen_t Patience::Impl::Read(Sockbuf_IO_Desc* layer, void* buffer, ber_len_t size) {
  auto* const self = static_cast<Impl*>(layer->sbiod_pvt);
  if (self->active && !self->Await(layer->sbiod_sb, POLLIN)) return -1;
  return LBER_SBIOD_READ_NEXT(layer, buffer, size);
}

ber_slen_t Patience::Impl::Write(Sockbuf_IO_Desc* layer, void* buffer, ber_len_t size) {
  auto* const self = static_cast<Impl*>(layer->sbiod_pvt);
  if (self->active && !self->Await(layer->sbiod_sb, POLLOUT)) return -1;
  return LBER_SBIOD_WRITE_NEXT(layer, buffer, size);
}

int Patience::Impl::Connected(LDAP*, Sockbuf* socket, LDAPURLDesc*, struct sockaddr*,
                              struct ldap_conncb* callback) {
  static Sockbuf_IO layer = {Setup, Remove, Control, Read, Write, Close};
  auto* const self = static_cast<Impl*>(callback->lc_arg);
  self->deadline = self->clock.Steady() + self->limit;
  return ber_sockbuf_add_io(socket, &layer, kLevel, self) == 0 ? LDAP_SUCCESS : LDAP_LOCAL_ERROR;
}

Patience::Patience(const Clock& clock, absl::Duration limit)
    : impl_(std::make_unique<Impl>(clock, limit)) {}
Patience::~Patience() = default;

bool Patience::Install(struct ldap* handle) {
  impl_->callback.lc_add = Impl::Connected;
  impl_->callback.lc_del = Impl::Disconnected;
  impl_->callback.lc_arg = impl_.get();
  return ldap_set_option(handle, LDAP_OPT_CONNECT_CB, &impl_->callback) == LDAP_OPT_SUCCESS;
}

void Patience::Release() {
  impl_->active = false;
}
bool Patience::expired() const {
  return impl_->expired;
}

}  // namespace driftwarden::directory
