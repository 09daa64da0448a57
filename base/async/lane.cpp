#include "base/async/lane.h"

#include <pthread.h>

#include <boost/asio/thread_pool.hpp>

namespace driftwarden {

struct ThreadLane::Impl {
  std::string name;
  asio::thread_pool pool;
  Impl(std::string n, int threads) : name(std::move(n)), pool(static_cast<size_t>(threads)) {}
};

ThreadLane::ThreadLane(std::string name, int threads)
    : impl_(std::make_unique<Impl>(std::move(name), threads)) {
  for (int i = 0; i < threads; ++i) {
    asio::post(impl_->pool, [label = impl_->name.substr(0, 15)] {
      pthread_setname_np(pthread_self(), label.c_str());
    });
  }
}

ThreadLane::~ThreadLane() {
  Stop();
}

void ThreadLane::Post(std::function<void()> work) {
  asio::post(impl_->pool, std::move(work));
}

void ThreadLane::Stop() {
  impl_->pool.join();
}

}  // namespace driftwarden
