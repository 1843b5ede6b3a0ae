@AC02
Feature: Traffic is spread over the replicas of a service
  "Load balancing distributes traffic across multiple instances of the same service."

  The balancer chooses per connection, so fresh connections are counted. One sample decides; its size follows from the
  error rate, the power and the smallest skew that are declared for the system.

  Background:
    Given the system is deployed and healthy

  Scenario: Connections are spread evenly from every node
    When a sample of fresh connections is made to every service from every node
    Then each sample is spread evenly over the ready replicas

  @disruptive @nightly
  Scenario Outline: The spread follows the number of replicas
    Given every service runs <replicas> replicas
    When a sample of fresh connections is made to every service from one node
    Then each sample is spread evenly over the ready replicas

    Examples:
      | replicas |
      | 2        |
      | 5        |

  @disruptive @connections
  Scenario: Clients stick to a replica when affinity is asked for, and only then
    Given every service has a twin that asks for session affinity
    When every node calls each service and its twin
    Then each client sticks to one replica of the twin
    And no client sticks to one replica of the service

  @connections
  Scenario: A kept connection stays with its replica
    When every service is called over one kept connection
    Then that connection is answered by one replica alone
