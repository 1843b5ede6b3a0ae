@AC01
Feature: Services find and communicate with each other
  "Service discovery mechanism enables microservices to find and communicate with each other."

  A name is worth something only when it leads to the right replicas, from everywhere, and follows them as they
  come and go. Each claim is made from inside the cluster, on every node.

  Background:
    Given the system is deployed and healthy

  Scenario: Every service is published as it is declared
    When the published services are compared with their declaration
    Then each service offers its declared port to exactly its ready replicas

  Scenario: Names lead to services from every node
    When every service is looked up from every node by its short and its full name
    Then each answer is the address and the port of that service

  Scenario: Headless names list exactly the ready replicas
    When every headless name is looked up from every node
    Then each answer lists exactly the ready replicas

  Scenario: The name of a service that does not exist is refused
    When a service that does not exist is looked up from every node
    Then every resolver says that there is no such name

  Scenario: Declared calls travel through the real chain
    When every declared call is made from every node
    Then each call is answered and a replica of the called service took part

  Scenario: Only a service's own replicas answer for it
    When every service is called from every node
    Then only replicas of that service answer

  @disruptive
  Scenario: A replica that comes is found, and one that goes is forgotten
    When every service gains a replica, and loses one again
    Then the new replica is named within the bound
    And it gets requests within the bound
    And the removed replica is no longer named after the bound
    And it gets no request after the bound
