// SPDX-License-Identifier: Apache-2.0
//
// Arithmetic over the parameters of an exploration: conditions ("weight_buffer >= 2 * input_buffer and lanes < 64") and
// derived values ("max(1, channels / 4)").
//
//   expression  = comparisons joined by `and`, `or`, `not`; + - * / % and unary minus; ( ); min(a, b), max(a, b)
//   comparison  = < <= == != >= >
//   number      = 12, 0.5, 64 KiB, 975 MHz: sizes count in bytes, clocks in hertz
//
// Truth is 1 or 0; anything but 0 is true. Division is of real numbers.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tilewright::explore {

// "64 KiB" -> 65536, "12" -> 12; nothing where it is no number, or has a unit that is none of B ... GiB, Hz ... GHz.
std::optional<double> number_in(std::string_view text);

class Expression {
 public:
  struct Problem {
    std::size_t column = 0;  // within the text, from 1
    std::string message;
    std::string unknown_name;  // if that is the problem
  };
  // Names are looked up in `names`; their places are what evaluate() reads from.
  static std::optional<Expression> parse(std::string_view text, const std::vector<std::string>& names, Problem& problem);

  double evaluate(std::span<const double> values) const;
  bool holds(std::span<const double> values) const { return evaluate(values) != 0; }
  // The names that it reads, by place.
  const std::vector<std::size_t>& reads() const { return reads_; }

 private:
  friend class ExpressionParser;
  enum class Operation : unsigned char {
    kNumber, kName, kNegate, kNot, kAdd, kSubtract, kMultiply, kDivide, kRemainder,
    kLess, kLessEqual, kEqual, kNotEqual, kGreaterEqual, kGreater, kAnd, kOr, kMinimum, kMaximum,
  };
  struct Instruction {
    Operation operation;
    double number = 0;
    std::size_t name = 0;
  };
  static double apply(Operation operation, double a, double b);
  std::vector<Instruction> program_;  // reverse Polish
  std::vector<std::size_t> reads_;
};

}  // namespace tilewright::explore
