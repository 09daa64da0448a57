#pragma once

// The same suite runs over every backend: what a test needs of one.

#include <memory>
#include <string>

#include "store/kv.h"
#include "store/state_store.h"

namespace driftwarden::store {

class Backend {
 public:
  virtual ~Backend() = default;
  // Opens what is there; an earlier store of it must be gone.
  virtual StatusOr<std::unique_ptr<StateStore>> Open() = 0;
  virtual StatusOr<std::unique_ptr<Kv>> OpenKv() = 0;
};

using MakeBackend = std::unique_ptr<Backend> (*)();
std::unique_ptr<Backend> MakeMemBackend();
std::unique_ptr<Backend> MakeRocksBackend();  // in a directory of its own, removed with it

}  // namespace driftwarden::store
