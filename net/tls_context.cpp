#include "net/tls_context.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/impl/src.hpp>  // the one definition of Asio's TLS code

#include "base/strings.h"

namespace driftwarden::net {
namespace {

// Never asks the terminal for a pass phrase.
int NoPassPhrase(char*, int, int, void*) {
  return 0;
}

bool IsIpAddress(const std::string& host) {
  boost::system::error_code error;
  asio::ip::make_address(host, error);
  return !error;
}

StatusOr<TlsContext> NewContext(asio::ssl::context::method method) {
  TlsContext context;
  try {
    context = std::make_shared<asio::ssl::context>(method);
  } catch (const boost::system::system_error& error) {
    return InternalError(Cat("TLS set-up: ", error.what()));
  }
  SSL_CTX* ctx = context->native_handle();
  SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
  SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_default_passwd_cb(ctx, NoPassPhrase);
  return context;
}

// Adds every certificate of the text to the context's trust.
Status AddTrust(SSL_CTX* ctx, const std::string& pem) {
  BIO* bio = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  int count = 0;
  while (X509* certificate = PEM_read_bio_X509(bio, nullptr, NoPassPhrase, nullptr)) {
    X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), certificate);
    X509_free(certificate);
    ++count;
  }
  BIO_free(bio);
  ERR_clear_error();
  if (count == 0) return InvalidError("the CA file holds no certificate in PEM form");
  return OkStatus();
}

Status UseIdentity(asio::ssl::context& context, const PemPair& identity) {
  boost::system::error_code error;
  context.use_certificate_chain(asio::buffer(identity.certificate_pem), error);
  if (error) return InvalidError(Cat("certificate: ", error.message()));
  context.use_private_key(asio::buffer(identity.key_pem), asio::ssl::context::pem, error);
  if (error) return InvalidError(Cat("private key: ", error.message()));
  if (SSL_CTX_check_private_key(context.native_handle()) != 1) {
    ERR_clear_error();
    return InvalidError("the private key does not belong to the certificate");
  }
  return OkStatus();
}

}  // namespace

StatusOr<TlsContext> MakeServerContext(const TlsServerConfig& config) {
  DW_ASSIGN_OR_RETURN(TlsContext context, NewContext(asio::ssl::context::tls_server));
  DW_RETURN_IF_ERROR(UseIdentity(*context, config.identity));
  SSL_CTX* ctx = context->native_handle();
  // No resumption: a kept connection has then nothing to read, and there is no cache to bound.
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(ctx, 0);
  if (!config.client_ca_pem.empty()) {
    DW_RETURN_IF_ERROR(AddTrust(ctx, config.client_ca_pem));
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
  return context;
}

StatusOr<TlsContext> MakeClientContext(const DialerOptions& options) {
  DW_ASSIGN_OR_RETURN(TlsContext context, NewContext(asio::ssl::context::tls_client));
  SSL_CTX* ctx = context->native_handle();
  SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_default_verify_paths(ctx);
  // An issuing CA alone may be trusted, without its root.
  X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(ctx), X509_V_FLAG_PARTIAL_CHAIN);
  if (!options.ca_pem.empty()) DW_RETURN_IF_ERROR(AddTrust(ctx, options.ca_pem));
  if (!options.client_identity.certificate_pem.empty()) {
    DW_RETURN_IF_ERROR(UseIdentity(*context, options.client_identity));
  }
  return context;
}

Status ExpectHost(SSL* ssl, const std::string& host) {
  X509_VERIFY_PARAM* param = SSL_get0_param(ssl);
  X509_VERIFY_PARAM_set_hostflags(
      param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  const bool ok = IsIpAddress(host)
                      ? X509_VERIFY_PARAM_set1_ip_asc(param, host.c_str()) == 1
                      : X509_VERIFY_PARAM_set1_host(param, host.c_str(), host.size()) == 1 &&
                            SSL_set_tlsext_host_name(ssl, host.c_str()) == 1;
  ERR_clear_error();
  if (!ok) return InvalidError(Cat("\"", Printable(host), "\" cannot be verified over TLS"));
  return OkStatus();
}

std::string VerifyFailure(SSL* ssl, const std::string& host, const std::string& authority) {
  const long code = SSL_get_verify_result(ssl);
  switch (code) {
    case X509_V_OK:
      return "";
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return Cat("certificate of ", authority, " is not for ", host, ": ",
                 X509_verify_cert_error_string(code));
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return Cat("certificate of ", authority,
                 " not valid now: ", X509_verify_cert_error_string(code));
    default:
      return Cat("certificate of ", authority,
                 " not trusted: ", X509_verify_cert_error_string(code),
                 "; add its CA with ca_file");
  }
}

}  // namespace driftwarden::net
