#include "watchers/directory/kerberos.h"

#include <krb5/krb5.h>
#include <profile.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <utility>

#include "base/files.h"
#include "base/strings.h"
#include "watchers/directory/kerberos_fault.h"

namespace driftwarden::directory {
namespace {

// A server is who its configured name says, whatever DNS makes of that: else who can forge DNS
// chooses the name that a ticket is got for. The first file of a list wins.
constexpr std::string_view kOwnRules =
    "[libdefaults]\n"
    "\tdns_canonicalize_hostname = false\n"
    "\trdns = false\n";
constexpr const char* kVariable = "KRB5_CONFIG";
constexpr size_t kMaxPrincipals = 3;  // of a keytab, in an error text

// A file that no folder holds, for the Kerberos library takes its rules from files only. It stays
// open as long as the process.
StatusOr<std::string> MakeOwnRules() {
  const int fd = ::memfd_create("krb5.conf", MFD_CLOEXEC);
  if (fd < 0) return UnavailableError(Cat("no memory file: ", SystemErrorText(errno)));
  if (::write(fd, kOwnRules.data(), kOwnRules.size()) != static_cast<ssize_t>(kOwnRules.size())) {
    const int error = errno;
    ::close(fd);
    return UnavailableError(Cat("a memory file cannot be written: ", SystemErrorText(error)));
  }
  return Cat("/proc/self/fd/", fd);
}

const StatusOr<std::string>& OwnRules() {
  static const StatusOr<std::string> path = MakeOwnRules();
  return path;
}

struct FreeContext {
  void operator()(krb5_context context) const { krb5_free_context(context); }
};
using Context = std::unique_ptr<_krb5_context, FreeContext>;

// What libkrb5 gave, freed with the context it came from.
template <typename T, auto kFree>
class Held {
 public:
  explicit Held(krb5_context context) : context_(context) {}
  ~Held() {
    if (value_ != nullptr) kFree(context_, value_);
  }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;
  T get() const { return value_; }
  T* Out() { return &value_; }

 private:
  krb5_context context_;
  T value_ = nullptr;
};
using Principal = Held<krb5_principal, krb5_free_principal>;
using Keytab = Held<krb5_keytab, krb5_kt_close>;
using FileCache = Held<krb5_ccache, krb5_cc_close>;
using InitOptions = Held<krb5_get_init_creds_opt*, krb5_get_init_creds_opt_free>;
using Credentials = Held<krb5_creds*, krb5_free_creds>;

// The system's configuration as it was before we set it: a list joined by ':'.
const std::string& SystemConfig() {
  static const std::string files = [] {
    const char* const set = std::getenv(kVariable);
    return std::string(set == nullptr ? "/etc/krb5.conf" : set);
  }();
  return files;
}

// The source's own configuration, with our rules before it.
krb5_error_code MakeContext(const std::string& config, const std::string& rules, Context* out) {
  const std::string files = Cat(rules, ":", config.empty() ? SystemConfig() : config);
  profile_t profile = nullptr;
  if (const long code = profile_init_path(files.c_str(), &profile); code != 0) {
    return static_cast<krb5_error_code>(code);
  }
  krb5_context raw = nullptr;
  const krb5_error_code code = krb5_init_context_profile(profile, 0, &raw);
  profile_release(profile);
  out->reset(raw);
  return code;
}

std::string ErrorText(krb5_context context, krb5_error_code code) {
  const char* const text = krb5_get_error_message(context, code);
  std::string out = text == nullptr ? Cat("error ", code) : std::string(text);
  krb5_free_error_message(context, text);
  return out;
}

std::string NameOf(krb5_context context, krb5_const_principal principal) {
  char* text = nullptr;
  if (krb5_unparse_name(context, principal, &text) != 0) return "";
  std::string out = text;
  krb5_free_unparsed_name(context, text);
  return out;
}

std::vector<std::string> KeytabHolds(krb5_context context, krb5_keytab keytab) {
  std::vector<std::string> names;
  krb5_kt_cursor cursor = nullptr;
  if (krb5_kt_start_seq_get(context, keytab, &cursor) != 0) return names;
  krb5_keytab_entry entry;
  while (names.size() < kMaxPrincipals &&
         krb5_kt_next_entry(context, keytab, &entry, &cursor) == 0) {
    const std::string name = NameOf(context, entry.principal);
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    krb5_free_keytab_entry_contents(context, &entry);
  }
  krb5_kt_end_seq_get(context, keytab, &cursor);
  return names;
}

Status CheckFile(const Peer& peer, std::string_view key, const std::string& path,
                 std::string_view mend) {
  if (::access(path.c_str(), R_OK) == 0) return OkStatus();
  return UnauthenticatedError(Cat(peer.source, ": ", key, ": cannot read ", path, ": ",
                                  SystemErrorText(errno), "; ", mend));
}

}  // namespace

struct Tickets::Impl {
  ~Impl() {
    if (cache != nullptr) krb5_cc_destroy(context.get(), cache);
  }
  Status Fail(krb5_error_code code, KerberosFault fault = KerberosFault()) const;
  Status Open(const std::string& rules);
  Status ByKeytab();
  Status FromCache();
  Status ForServer(const std::string& host);

  Peer peer;
  BindOptions bind;
  Context context;
  krb5_ccache cache = nullptr;
  std::string name;
  std::string client;
  absl::Time begin;
  absl::Time end;
};

Status Tickets::Impl::Fail(krb5_error_code code, KerberosFault fault) const {
  fault.code = code;
  fault.text = ErrorText(context.get(), code);
  return KerberosFailed(peer, bind, fault);
}

Status Tickets::Impl::Open(const std::string& rules) {
  if (const auto code = MakeContext(bind.krb5_config, rules, &context); code != 0) {
    KerberosFault fault;
    fault.code = KRB5_CONFIG_BADFORMAT;  // whatever the parser calls it
    fault.text = ErrorText(nullptr, code);
    return KerberosFailed(peer, bind, fault);
  }
  krb5_context const library = context.get();
  if (const auto code = krb5_cc_new_unique(library, "MEMORY", nullptr, &cache); code != 0) {
    return Fail(code);
  }
  char* full = nullptr;
  if (const auto code = krb5_cc_get_full_name(library, cache, &full); code != 0) return Fail(code);
  name = full;
  krb5_free_string(library, full);
  return OkStatus();
}

Status Tickets::Impl::ByKeytab() {
  krb5_context const library = context.get();
  DW_RETURN_IF_ERROR(CheckFile(peer, "keytab_file", bind.keytab_file,
                               "export the account's keytab there, readable by the user that "
                               "runs driftwarden"));
  Principal principal(library);
  if (const auto code = krb5_parse_name(library, bind.principal.c_str(), principal.Out());
      code != 0) {
    return Fail(code);
  }
  client = NameOf(library, principal.get());
  Keytab keytab(library);
  if (const auto code =
          krb5_kt_resolve(library, Cat("FILE:", bind.keytab_file).c_str(), keytab.Out());
      code != 0) {
    return Fail(code);
  }
  // Looked into first: later the library only says that pre-authentication failed.
  krb5_keytab_entry entry;
  if (const auto code = krb5_kt_get_entry(library, keytab.get(), principal.get(), 0, 0, &entry);
      code != 0) {
    KerberosFault fault;
    fault.keytab_holds = KeytabHolds(library, keytab.get());
    return Fail(code, std::move(fault));
  }
  krb5_free_keytab_entry_contents(library, &entry);
  InitOptions options(library);
  if (const auto code = krb5_get_init_creds_opt_alloc(library, options.Out()); code != 0) {
    return Fail(code);
  }
  krb5_creds own{};
  krb5_error_code code = krb5_get_init_creds_keytab(library, &own, principal.get(), keytab.get(), 0,
                                                    nullptr, options.get());
  if (code != 0) return Fail(code);
  code = krb5_cc_initialize(library, cache, own.client);
  if (code == 0) code = krb5_cc_store_cred(library, cache, &own);
  krb5_free_cred_contents(library, &own);
  return code == 0 ? OkStatus() : Fail(code);
}

// A copy: tickets for servers are not written into a cache that belongs to somebody else.
Status Tickets::Impl::FromCache() {
  krb5_context const library = context.get();
  DW_RETURN_IF_ERROR(CheckFile(peer, "credential_cache", bind.credential_cache,
                               "have it written by kinit -c, readable by the user that runs "
                               "driftwarden"));
  FileCache from(library);
  krb5_error_code code =
      krb5_cc_resolve(library, Cat("FILE:", bind.credential_cache).c_str(), from.Out());
  if (code != 0) return Fail(code);
  Principal principal(library);
  code = krb5_cc_get_principal(library, from.get(), principal.Out());
  if (code != 0) return Fail(code);
  client = NameOf(library, principal.get());
  if (!bind.principal.empty() && bind.principal != client) {
    return UnauthenticatedError(Cat(peer.source, ": ", bind.credential_cache, " holds tickets of ",
                                    Printable(client), ", not of bind.principal ",
                                    Printable(bind.principal)));
  }
  code = krb5_cc_initialize(library, cache, principal.get());
  if (code == 0) code = krb5_cc_copy_creds(library, from.get(), cache);
  return code == 0 ? OkStatus() : Fail(code);
}

// Asked for here and not by GSSAPI, whose errors are prose without a code.
Status Tickets::Impl::ForServer(const std::string& host) {
  krb5_context const library = context.get();
  KerberosFault fault;
  fault.host = host;
  Principal own(library);
  krb5_error_code code = krb5_cc_get_principal(library, cache, own.Out());
  if (code != 0) return Fail(code, fault);
  Principal server(library);
  code = krb5_sname_to_principal(library, host.c_str(), "ldap", KRB5_NT_SRV_HST, server.Out());
  if (code != 0) return Fail(code, fault);
  krb5_creds wanted{};
  wanted.client = own.get();
  wanted.server = server.get();
  Credentials ticket(library);
  code = krb5_get_credentials(library, 0, cache, &wanted, ticket.Out());
  if (code != 0) return Fail(code, fault);
  const krb5_ticket_times& times = ticket.get()->times;
  begin = absl::FromUnixSeconds(
      static_cast<uint32_t>(times.starttime != 0 ? times.starttime : times.authtime));
  end = absl::FromUnixSeconds(static_cast<uint32_t>(times.endtime));
  return OkStatus();
}

Tickets::Tickets(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Tickets::Tickets(Tickets&&) noexcept = default;
Tickets& Tickets::operator=(Tickets&&) noexcept = default;
Tickets::~Tickets() = default;

const std::string& Tickets::cache() const {
  return impl_->name;
}
const std::string& Tickets::client() const {
  return impl_->client;
}
absl::Time Tickets::begin() const {
  return impl_->begin;
}
absl::Time Tickets::end() const {
  return impl_->end;
}

StatusOr<Tickets> GetTicketsBlocking(const Peer& peer, const BindOptions& bind,
                                     const std::string& host) {
  const StatusOr<std::string>& rules = OwnRules();
  if (!rules.ok()) return Annotate(rules.status(), peer.source);
  auto impl = std::make_unique<Tickets::Impl>();
  impl->peer = peer;
  impl->bind = bind;
  DW_RETURN_IF_ERROR(impl->Open(*rules));
  DW_RETURN_IF_ERROR(bind.keytab_file.empty() ? impl->FromCache() : impl->ByKeytab());
  DW_RETURN_IF_ERROR(impl->ForServer(host));
  return Tickets(std::move(impl));
}

Status UseKerberosConfigs(const std::vector<std::string>& files) {
  DW_ASSIGN_OR_RETURN(const std::string rules, OwnRules());
  std::vector<std::string> joined = {rules};
  for (const std::string& file : files) {
    const std::string& next = file.empty() ? SystemConfig() : file;
    if (std::find(joined.begin(), joined.end(), next) == joined.end()) joined.push_back(next);
  }
  if (::setenv(kVariable, JoinStrings(joined, ":").c_str(), 1) != 0) {
    return UnavailableError(Cat("the environment cannot be set: ", SystemErrorText(errno)));
  }
  return OkStatus();
}

}  // namespace driftwarden::directory
