@HPA
Feature: Services scale horizontally on demand
  "Services can communicate with each other reliably and scale horizontally based on demand: dynamic scaling from 2-10
  replicas based on resource utilization."

  Every other scenario needs a known number of replicas, so the autoscalers are held. They work all the same, and say
  what they know; here one of them is released. The load are real requests, at a rate that follows from
  what one of them costs. Every step is taken from the watch, and none is missed between two looks.

  Background:
    Given the system is deployed and healthy

  Scenario: Every service has an autoscaler that can do its work
    When the autoscaler of every service is asked what it does and knows
    Then each scales its own service between the declared numbers of replicas
    And each knows what its replicas use and asked for

  @disruptive @nightly
  Scenario: A service grows for its memory, too
    When one service has its least replicas, which use more memory than they are meant to
    Then it grows for its memory to its most replicas, and never has more
    And no request fails meanwhile

  @disruptive @nightly
  Scenario: A service grows under load, no further than declared, and shrinks again
    When one service has its least replicas, and more load than its most replicas are meant for, until it has grown
    Then it has its most replicas within the bound, and never more
    And it has its least replicas again, not before its window is over
    And no request fails meanwhile

  @disruptive @nightly
  Scenario: A service grows in proportion to its load
    When one service has its least replicas, and as much load as replicas half-way to the most are meant for
    Then it settles at as many replicas as its load asks for
    And no request fails meanwhile
