#include "simulator/web_token.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <memory>

#include "base/hex.h"
#include "base/strings.h"

namespace driftwarden::simulator {
namespace {

namespace json = boost::json;

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
using ContextPtr = std::unique_ptr<EVP_MD_CTX, Deleter<EVP_MD_CTX_free>>;

const unsigned char* Bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::optional<json::object> ObjectOf(std::string_view part) {
  const auto text = Base64UrlDecode(part);
  if (!text) return std::nullopt;
  boost::system::error_code error;
  json::value value = json::parse(json::string_view(text->data(), text->size()), error);
  if (error || !value.is_object()) return std::nullopt;
  return std::move(value.as_object());
}

std::string TextOf(const json::object& object, const char* name) {
  const json::value* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : "";
}

std::string DigestOf(std::string_view der, const EVP_MD* kind) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (EVP_Digest(der.data(), der.size(), digest, &size, kind, nullptr) != 1) return "";
  return Base64UrlEncode(std::string_view(reinterpret_cast<const char*>(digest), size));
}

}  // namespace

std::string WebToken::HeaderText(const char* name) const {
  return TextOf(header, name);
}
std::string WebToken::Claim(const char* name) const {
  return TextOf(claims, name);
}
std::optional<int64_t> WebToken::Number(const char* name) const {
  const json::value* value = claims.if_contains(name);
  if (value == nullptr || !value->is_int64()) return std::nullopt;
  return value->as_int64();
}

std::optional<WebToken> ParseWebToken(std::string_view text) {
  const auto parts = SplitString(text, '.');
  if (parts.size() != 3) return std::nullopt;
  auto header = ObjectOf(parts[0]);
  auto claims = ObjectOf(parts[1]);
  auto signature = Base64UrlDecode(parts[2]);
  if (!header || !claims || !signature || signature->empty()) return std::nullopt;
  WebToken token;
  token.header = *std::move(header);
  token.claims = *std::move(claims);
  token.signed_text = Cat(parts[0], ".", parts[1]);
  token.signature = *std::move(signature);
  return token;
}

StatusOr<std::string> CertificateDer(const std::string& pem) {
  const BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  const CertPtr certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  unsigned char* der = nullptr;
  const int size = certificate == nullptr ? -1 : i2d_X509(certificate.get(), &der);
  ERR_clear_error();
  if (size <= 0 || EVP_PKEY_get_base_id(X509_get0_pubkey(certificate.get())) != EVP_PKEY_RSA) {
    OPENSSL_free(der);
    return InvalidError("no certificate with an RSA key in PEM form");
  }
  std::string out(reinterpret_cast<const char*>(der), static_cast<size_t>(size));
  OPENSSL_free(der);
  return out;
}

std::string Sha1Of(std::string_view der) {
  return DigestOf(der, EVP_sha1());
}
std::string Sha256Of(std::string_view der) {
  return DigestOf(der, EVP_sha256());
}

bool Verifies(const WebToken& token, const std::string& certificate_der) {
  const unsigned char* at = Bytes(certificate_der);
  const CertPtr certificate(d2i_X509(nullptr, &at, static_cast<long>(certificate_der.size())));
  const ContextPtr context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* key_context = nullptr;
  const std::string algorithm = token.HeaderText("alg");
  bool ok = certificate != nullptr && (algorithm == "PS256" || algorithm == "RS256") &&
            EVP_DigestVerifyInit(context.get(), &key_context, EVP_sha256(), nullptr,
                                 X509_get0_pubkey(certificate.get())) == 1;
  if (algorithm == "PS256") {
    ok = ok && EVP_PKEY_CTX_set_rsa_padding(key_context, RSA_PKCS1_PSS_PADDING) == 1 &&
         EVP_PKEY_CTX_set_rsa_pss_saltlen(key_context, 32) == 1;
  }
  ok = ok && EVP_DigestVerify(context.get(), Bytes(token.signature), token.signature.size(),
                              Bytes(token.signed_text), token.signed_text.size()) == 1;
  ERR_clear_error();
  return ok;
}

StatusOr<std::string> MakeWebToken(const json::object& header, const json::object& claims,
                                   const std::string& key_pem) {
  const BioPtr bio(BIO_new_mem_buf(key_pem.data(), static_cast<int>(key_pem.size())));
  const KeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
  const std::string text =
      Cat(Base64UrlEncode(json::serialize(header)), ".", Base64UrlEncode(json::serialize(claims)));
  const ContextPtr context(EVP_MD_CTX_new());
  size_t size = 0;
  bool ok = key != nullptr &&
            EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get()) == 1 &&
            EVP_DigestSign(context.get(), nullptr, &size, Bytes(text), text.size()) == 1;
  std::string signature(ok ? size : 0, '\0');
  ok = ok && EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()),
                            &size, Bytes(text), text.size()) == 1;
  ERR_clear_error();
  if (!ok) return InvalidError("no private key that signs");
  return Cat(text, ".", Base64UrlEncode(signature));
}

}  // namespace driftwarden::simulator
