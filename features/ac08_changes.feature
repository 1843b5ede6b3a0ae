# Before ac08_reliability: autoscalers have no metrics of what has just begun, up to half a minute after a change.
@AC08
Feature: No request is lost while services change
  "Service-to-service communication is reliable and performant."

  A rolling update, a scale-out, a scale-in and a rollback are everyday work: nobody is to notice them. Requests go out
  when they are due, over new connections and over kept ones, scored apart, and nobody tries again: neither the
  client, nor a mesh. A change that did not happen proves nothing, and the scenario says so instead of passing.

  Background:
    Given the system is deployed and healthy

  @disruptive @slow @daily
  Scenario: A rolling update, a scale-out, a scale-in and a rollback lose no request
    When every service is updated, scaled out, scaled in and rolled back under load
    Then each change comes to its end within the bound
    And it does to every replica what it says
    And no request fails over new or over kept connections
    And there were requests all the time, and enough of them

  @disruptive @nightly
  Scenario: Changes that are repeated lose none of thirty thousand requests
    When every service is updated, scaled out, scaled in and rolled back under load, again and again
    Then each change comes to its end within the bound
    And it does to every replica what it says
    And no request fails over new or over kept connections
    And there were requests all the time, and enough of them
