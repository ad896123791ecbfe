#include "backends/common/sha256.h"

#include <openssl/evp.h>

#include <memory>
#include <stdexcept>

namespace sampan::common {
namespace {

struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

void require(bool done) {
  if (!done) throw std::runtime_error("the system's OpenSSL cannot compute SHA-256");
}

}  // namespace

Sha256Digest sha256(std::initializer_list<ByteView> parts) {
  const std::unique_ptr<EVP_MD_CTX, FreeContext> context(EVP_MD_CTX_new());
  require(context != nullptr && EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) == 1);
  for (const ByteView part : parts) {
    require(EVP_DigestUpdate(context.get(), part.data(), part.size()) == 1);
  }
  Sha256Digest digest;
  unsigned int length = 0;
  require(EVP_DigestFinal_ex(context.get(), reinterpret_cast<unsigned char*>(digest.data()),
                             &length) == 1 &&
          length == digest.size());
  return digest;
}

}  // namespace sampan::common
