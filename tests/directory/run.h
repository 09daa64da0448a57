#pragma once

// Runs one coroutine to its end on a context of its own.

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <exception>
#include <optional>
#include <utility>

#include "base/check.h"

namespace driftwarden {

// `limit` is a guard against a hang only.
template <typename T>
T RunOn(boost::asio::io_context& context, boost::asio::awaitable<T> task,
        std::chrono::seconds limit = std::chrono::seconds(60)) {
  std::optional<T> result;
  auto done = [&result, &context](const std::exception_ptr& error, T value) {
    if (error) std::rethrow_exception(error);
    result.emplace(std::move(value));
    context.stop();
  };
  boost::asio::co_spawn(context, std::move(task), std::move(done));
  context.restart();
  context.run_for(limit);
  DW_CHECK(result.has_value());
  return std::move(*result);
}

}  // namespace driftwarden
