#include "net/tls.h"

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>

#include "base/files.h"
#include "base/strings.h"

namespace driftwarden::net {
namespace {

template <auto Free>
struct Deleter {
  template <typename T>
  void operator()(T* p) const {
    Free(p);
  }
};
using BioPtr = std::unique_ptr<BIO, Deleter<BIO_free_all>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using CertPtr = std::unique_ptr<X509, Deleter<X509_free>>;
using ExtensionPtr = std::unique_ptr<X509_EXTENSION, Deleter<X509_EXTENSION_free>>;

constexpr absl::Duration kBackdate = absl::Hours(1);  // clocks differ
constexpr absl::Duration kCaLife = absl::Hours(24 * 3650);
constexpr absl::Duration kLeafLife = absl::Hours(24 * 365);

Status OpenSslError(std::string_view what) {
  char text[256] = "no reason given";
  const unsigned long code = ERR_get_error();
  if (code != 0) ERR_error_string_n(code, text, sizeof text);
  ERR_clear_error();
  return InternalError(Cat(what, ": ", static_cast<const char*>(text)));
}

StatusOr<std::string> Drain(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  if (size <= 0) return OpenSslError("writing PEM");
  return std::string(data, static_cast<size_t>(size));
}

StatusOr<PemPair> ToPem(X509* certificate, EVP_PKEY* key) {
  const BioPtr cert_bio(BIO_new(BIO_s_mem()));
  const BioPtr key_bio(BIO_new(BIO_s_mem()));
  if (cert_bio == nullptr || key_bio == nullptr ||
      PEM_write_bio_X509(cert_bio.get(), certificate) != 1 ||
      PEM_write_bio_PrivateKey(key_bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return OpenSslError("writing PEM");
  }
  DW_ASSIGN_OR_RETURN(std::string cert_pem, Drain(cert_bio.get()));
  DW_ASSIGN_OR_RETURN(std::string key_pem, Drain(key_bio.get()));
  return PemPair(std::move(cert_pem), std::move(key_pem));
}

// A pem callback that never asks the terminal for a pass phrase.
int NoPassPhrase(char*, int, int, void*) {
  return 0;
}

StatusOr<CertPtr> ReadCertificate(const std::string& pem) {
  const BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  CertPtr certificate(PEM_read_bio_X509(bio.get(), nullptr, NoPassPhrase, nullptr));
  ERR_clear_error();
  if (certificate == nullptr) return InvalidError("no certificate in PEM form");
  return certificate;
}

StatusOr<KeyPtr> ReadKey(const std::string& pem) {
  const BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  KeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, NoPassPhrase, nullptr));
  ERR_clear_error();
  if (key == nullptr) return InvalidError("no unencrypted private key in PEM form");
  return key;
}

// A certificate with name, key, validity and a random serial; the issuer is not set yet.
StatusOr<CertPtr> NewCertificate(const std::string& name, EVP_PKEY* key, absl::Time from,
                                 absl::Time until) {
  CertPtr certificate(X509_new());
  unsigned char serial[16];
  if (certificate == nullptr || RAND_bytes(serial, sizeof serial) != 1) {
    return OpenSslError("making a certificate");
  }
  serial[0] = static_cast<unsigned char>((serial[0] & 0x3f) | 0x40);  // positive, full length
  BIGNUM* number = BN_bin2bn(serial, sizeof serial, nullptr);
  const bool numbered =
      number != nullptr &&
      BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate.get())) != nullptr;
  BN_free(number);
  X509_NAME* subject = X509_get_subject_name(certificate.get());
  const std::string common_name = name.substr(0, 64);  // RFC 5280's upper bound
  if (!numbered || X509_set_version(certificate.get(), 2) != 1 ||
      X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                                 reinterpret_cast<const unsigned char*>(common_name.data()),
                                 static_cast<int>(common_name.size()), -1, 0) != 1 ||
      X509_set_pubkey(certificate.get(), key) != 1 ||
      ASN1_TIME_set(X509_getm_notBefore(certificate.get()), absl::ToTimeT(from)) == nullptr ||
      ASN1_TIME_set(X509_getm_notAfter(certificate.get()), absl::ToTimeT(until)) == nullptr) {
    return OpenSslError("making a certificate");
  }
  return certificate;
}

Status AddExtension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  if (extension == nullptr || X509_add_ext(certificate, extension.get(), -1) != 1) {
    return OpenSslError(Cat("certificate extension \"", value, "\""));
  }
  return OkStatus();
}

}  // namespace

StatusOr<TlsServerConfig> LoadTlsServerConfig(const std::string& cert_file,
                                              const std::string& key_file,
                                              const std::string& client_ca_file) {
  TlsServerConfig config;
  DW_ASSIGN_OR_RETURN(config.identity.certificate_pem, ReadFile(cert_file));
  DW_ASSIGN_OR_RETURN(config.identity.key_pem, ReadFile(key_file));
  const auto certificate = ReadCertificate(config.identity.certificate_pem);
  if (!certificate.ok()) return Annotate(certificate.status(), cert_file);
  const auto key = ReadKey(config.identity.key_pem);
  if (!key.ok()) return Annotate(key.status(), key_file);
  if (X509_check_private_key(certificate->get(), key->get()) != 1) {
    ERR_clear_error();
    return InvalidError(Cat(key_file, " is not the key of the certificate in ", cert_file));
  }
  if (!client_ca_file.empty()) {
    DW_ASSIGN_OR_RETURN(config.client_ca_pem, ReadFile(client_ca_file));
    const auto client_ca = ReadCertificate(config.client_ca_pem);
    if (!client_ca.ok()) return Annotate(client_ca.status(), client_ca_file);
  }
  return config;
}

StatusOr<PemPair> MakeCa(const std::string& name, absl::Time now) {
  const KeyPtr key(EVP_EC_gen("P-256"));
  if (key == nullptr) return OpenSslError("making a key");
  DW_ASSIGN_OR_RETURN(const CertPtr certificate,
                      NewCertificate(name, key.get(), now - kBackdate, now + kCaLife));
  X509* cert = certificate.get();
  if (X509_set_issuer_name(cert, X509_get_subject_name(cert)) != 1) return OpenSslError("issuer");
  DW_RETURN_IF_ERROR(AddExtension(cert, cert, NID_basic_constraints, "critical,CA:TRUE"));
  DW_RETURN_IF_ERROR(AddExtension(cert, cert, NID_key_usage, "critical,keyCertSign,cRLSign"));
  DW_RETURN_IF_ERROR(AddExtension(cert, cert, NID_subject_key_identifier, "hash"));
  if (X509_sign(cert, key.get(), EVP_sha256()) == 0) return OpenSslError("signing");
  return ToPem(cert, key.get());
}

StatusOr<PemPair> IssueServerCertificate(const PemPair& ca, const std::vector<std::string>& dns,
                                         const std::vector<std::string>& ips, absl::Time now) {
  if (dns.empty() && ips.empty()) return InvalidError("a server certificate needs a name");
  std::vector<std::string> names;
  for (const std::string& name : dns) names.push_back(Cat("DNS:", name));
  for (const std::string& ip : ips) names.push_back(Cat("IP:", ip));
  for (const std::string& name : names) {
    // A comma would start another extension value.
    if (name.find_first_of(", \n") != std::string::npos) {
      return InvalidError(Cat("bad name for a certificate: ", Printable(name)));
    }
  }
  DW_ASSIGN_OR_RETURN(const CertPtr issuer, ReadCertificate(ca.certificate_pem));
  DW_ASSIGN_OR_RETURN(const KeyPtr issuer_key, ReadKey(ca.key_pem));
  const KeyPtr key(EVP_EC_gen("P-256"));
  if (key == nullptr) return OpenSslError("making a key");
  DW_ASSIGN_OR_RETURN(
      const CertPtr certificate,
      NewCertificate(dns.empty() ? ips[0] : dns[0], key.get(), now - kBackdate, now + kLeafLife));
  X509* cert = certificate.get();
  if (X509_set_issuer_name(cert, X509_get_subject_name(issuer.get())) != 1) {
    return OpenSslError("issuer");
  }
  X509* ca_cert = issuer.get();
  DW_RETURN_IF_ERROR(AddExtension(cert, ca_cert, NID_basic_constraints, "critical,CA:FALSE"));
  DW_RETURN_IF_ERROR(AddExtension(cert, ca_cert, NID_key_usage, "critical,digitalSignature"));
  DW_RETURN_IF_ERROR(AddExtension(cert, ca_cert, NID_ext_key_usage, "serverAuth,clientAuth"));
  DW_RETURN_IF_ERROR(AddExtension(cert, ca_cert, NID_subject_alt_name, JoinStrings(names, ",")));
  DW_RETURN_IF_ERROR(AddExtension(cert, ca_cert, NID_subject_key_identifier, "hash"));
  DW_RETURN_IF_ERROR(AddExtension(cert, ca_cert, NID_authority_key_identifier, "keyid"));
  if (X509_sign(cert, issuer_key.get(), EVP_sha256()) == 0) return OpenSslError("signing");
  return ToPem(cert, key.get());
}

StatusOr<PemPair> MakeRsaIdentity(const RsaIdentityOptions& options) {
  const KeyPtr key(EVP_RSA_gen(static_cast<unsigned>(options.bits)));
  if (key == nullptr) return OpenSslError("making a key");
  DW_ASSIGN_OR_RETURN(
      const CertPtr certificate,
      NewCertificate(options.name, key.get(), options.not_before, options.not_after));
  X509* cert = certificate.get();
  if (X509_set_issuer_name(cert, X509_get_subject_name(cert)) != 1) return OpenSslError("issuer");
  DW_RETURN_IF_ERROR(AddExtension(cert, cert, NID_key_usage, "critical,digitalSignature"));
  if (X509_sign(cert, key.get(), EVP_sha256()) == 0) return OpenSslError("signing");
  return ToPem(cert, key.get());
}

StatusOr<absl::Time> CertificateExpiry(const std::string& certificate_pem) {
  DW_ASSIGN_OR_RETURN(const CertPtr certificate, ReadCertificate(certificate_pem));
  tm broken{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate.get()), &broken) != 1) {
    return OpenSslError("reading the end of validity");
  }
  return absl::FromTM(broken, absl::UTCTimeZone());
}

}  // namespace driftwarden::net
